"""Graph surgery: from what a converter writes to the graph an engineer would have written."""
