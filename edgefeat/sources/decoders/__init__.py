"""Libraries that decode video, behind one small protocol."""
