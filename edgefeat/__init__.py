"""Pre-trained networks as feature extractors on small devices."""

__version__ = "0.1.0"
