"""Many vectors: written to a file or a folder, read back, compared."""
