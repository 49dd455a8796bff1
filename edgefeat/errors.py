"""Every error edgefeat raises on purpose, in one shallow tree.

    EdgefeatError
    ├── ImageError       a picture cannot be read, decoded or used
    ├── ModelError       a model file is missing, foreign, damaged or fails its self-test
    ├── ProviderError    an execution provider is missing or not the one that runs
    ├── SourceError      a camera, video, folder or stream cannot be opened or read
    └── SinkError        results cannot be written, or do not belong together

Wrong arguments (types, values out of range) stay `TypeError` and `ValueError`.
Messages say what was expected, what came, where, and what to do about it.
"""

__all__ = [
    "EdgefeatError",
    "ImageError",
    "ModelError",
    "ProviderError",
    "SinkError",
    "SourceError",
]


class EdgefeatError(Exception):
    """Base of every error edgefeat raises on purpose."""


class ImageError(EdgefeatError):
    """A picture cannot be read, decoded or used."""


class ModelError(EdgefeatError):
    """A model file is missing, foreign, damaged or fails its self-test."""


class ProviderError(EdgefeatError):
    """An execution provider is missing or not the one that runs."""


class SourceError(EdgefeatError):
    """A camera, video, folder or stream cannot be opened or read."""


class SinkError(EdgefeatError):
    """Results cannot be written, or do not belong together."""
