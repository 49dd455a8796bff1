"""The one kind of input that can be exported: a picture of known size, in colour or grey."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from edgefeat_export.errors import BackboneError

__all__ = ["picture_shape"]

_CHANNELS: Final = (1, 3)


def picture_shape(shape: Any, path: Path, size_hw: tuple[int, int] | None) -> tuple[int, int, int]:
    """Return (height, width, channels) of a model's input.

    Args:
        shape: The shape of the model's input, batch axis first; None for a size it leaves open.
        path: The model file, for messages.
        size_hw: Height and width in pixels that the user chose; None takes the model's own.

    Raises:
        BackboneError: The input is not one picture, or its size is open and none was chosen.
    """
    if len(shape) != 4 or shape[3] not in _CHANNELS:
        raise BackboneError(
            "expected one input of pictures (batch, height, width, 1 or 3 channels), got"
            f" {shape or 'none'}",
            where=path,
            remedy="Only models that look at one picture can be exported.",
        )
    height, width = size_hw or shape[1:3]
    if height is None or width is None:
        raise BackboneError(
            "it takes pictures of any size",
            where=path,
            remedy="Choose the size to export with {option}.",
            option="size_hw",
        )
    return int(height), int(width), int(shape[3])
