"""Several cameras in one process, which take turns at one extractor."""
