"""The one kind of input that can be exported: a picture of known size, in colour or grey.

A network for pictures with alpha can be exported for those without (`networks.network`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from edgefeat_export.errors import BackboneError

__all__ = ["input_shapes", "is_picture", "picture_shape", "several_inputs"]

_CHANNELS: Final = (1, 3, 4)
_EXPECTED: Final = (
    "expected an input of pictures (batch, height, width, channels) with 1 channel, 3, or 4 of"
    " which one is alpha, got"
)
_REMEDY: Final = (
    "Photos and frames have no other channels. Put a layer in front that makes them of three"
    " colours, and save the model again. Networks for columns are exported from .keras files."
)
_MOST_NAMED: Final = 8  # inputs that a message names


def is_picture(shape: Sequence[int | None]) -> bool:
    """Return whether an input of this shape, batch axis first, takes pictures."""
    return len(shape) == 4 and shape[3] in _CHANNELS


def picture_shape(shape: Any, path: Path, size_hw: tuple[int, int] | None) -> tuple[int, int, int]:
    """Return (height, width, channels) of a model's input.

    Args:
        shape: The shape of the model's input, batch axis first; None for a size it leaves open.
        path: The model file, for messages.
        size_hw: Height and width in pixels that the user chose; None takes the model's own.

    Raises:
        BackboneError: The input is not one picture, or its size is open and none was chosen.
    """
    if not is_picture(shape):
        raise BackboneError(f"{_EXPECTED} {shape or 'none'}", where=path, remedy=_REMEDY)
    height, width = size_hw or shape[1:3]
    if height is None or width is None:
        raise BackboneError(
            "it takes pictures of any size",
            where=path,
            remedy="Choose the size to export with {option}.",
            option="size_hw",
        )
    return int(height), int(width), int(shape[3])


def input_shapes(
    inputs: Sequence[tuple[str, tuple[int | None, ...]]],
    path: Path,
    size_hw: tuple[int, int] | None,
) -> list[tuple[int | None, ...]]:
    """Return the shape of each input of a model without the batch axis; pictures get their size.

    Args:
        inputs: Name and shape of each input, batch axis first.
        path: The model file, for messages.
        size_hw: Height and width in pixels that the user chose; None takes the model's own.

    Raises:
        BackboneError: No input takes pictures, or a size is open and none was chosen.
    """
    if not any(is_picture(shape) for _, shape in inputs):
        if len(inputs) == 1:
            picture_shape(inputs[0][1], path, size_hw)
        named = [f"{name} {shape}" for name, shape in inputs[:_MOST_NAMED]]
        more = f" and {len(inputs) - _MOST_NAMED} more" if len(inputs) > _MOST_NAMED else ""
        raise BackboneError(f"{_EXPECTED} {', '.join(named)}{more}", where=path, remedy=_REMEDY)
    return [
        picture_shape(shape, path, size_hw) if is_picture(shape) else tuple(shape[1:])
        for _, shape in inputs
    ]


def several_inputs(inputs: Sequence[tuple[str, tuple[int | None, ...]]]) -> str:
    """Return a phrase that names the inputs of a model, if they are several; else nothing."""
    if len(inputs) == 1:
        return ""
    names = ", ".join(name for name, _ in inputs[:_MOST_NAMED])
    return f"it has {len(inputs)} inputs ({names}), of which only one picture counts"
