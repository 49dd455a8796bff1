"""Export stage: a Keras backbone becomes one self-describing ONNX file."""

__version__ = "0.1.0"
__all__ = ["__version__"]
