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

    The model stays open until the process ends. Make a `FeatureExtractor` for another model, for
    options, or to give the memory back. Opening takes some 30 ms: make one and keep it.

    Args:
        image: Path, encoded bytes, open binary file, array of uint8 or uint16, or PIL image.
        colour: Channel order if `image` is an array.

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
