"""Many pictures: an ordered pool of workers, and batches where an error keeps its place."""
