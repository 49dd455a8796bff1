"""ONNX Runtime, and nothing else: sessions, execution providers, the cache of optimised models."""
