"""The shipped model, opened once for the whole process: `edgefeat.extract`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgefeat.extractor import FeatureExtractor
from edgefeat.locks import allocate_lock

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.extractor import ColourName
    from edgefeat.pictures.decode import ImageInput

__all__ = ["extract", "unload_shared"]

_shared_lock = allocate_lock()
_shared: FeatureExtractor | None = None


def extract(image: ImageInput, *, colour: ColourName = "bgr") -> Features:
    """Return one picture's features with the shipped model, opened once for the whole process.

    For another model, or options, make a `FeatureExtractor`: opening takes some 30 ms, which a
    loop should pay once. `unload_shared` gives the shipped model's memory back.

    Raises:
        ImageError: The picture cannot be read or used.
    """
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = FeatureExtractor()
        extractor = _shared
    return extractor.extract(image, colour=colour)


def unload_shared() -> None:
    """Give back the memory of the model behind `extract`; the next call opens it again."""
    with _shared_lock:
        if _shared is not None:
            _shared.unload()
