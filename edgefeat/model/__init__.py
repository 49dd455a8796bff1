"""What a model file says: its spec, its bytes, its probe. Standard library and NumPy only."""
