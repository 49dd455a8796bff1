"""The option that names parts of a picture in which motion does not count."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike, fspath
from typing import TypeAlias

from edgefeat.errors import OptionError

__all__ = ["MaskPart", "Roi", "mask_part_from", "mask_parts", "region"]

Roi: TypeAlias = tuple[float, float, float, float]
"""A part of a picture: x, y, width, height in pixels, or as shares if none is above 1."""

MaskPart: TypeAlias = "Roi | str"
"""A part of a picture, or a picture that is black there."""

_NUMBERS = 4


def region(name: str, value: object) -> Roi:
    """Return a part of a picture.

    Args:
        name: The option, for the message.
        value: What the user gave.

    Raises:
        OptionError: It is no part of a picture.
    """
    try:
        x, y, width, height = map(float, value)  # type: ignore[call-overload] # or TypeError
    except (TypeError, ValueError):
        x, y, width, height = -1.0, -1.0, 0.0, 0.0
    if min(x, y) < 0 or min(width, height) <= 0:
        raise OptionError(
            f"expected x,y,width,height inside the picture, got {value!r}", option=name
        )
    return x, y, width, height


def mask_part_from(text: str) -> object:
    """Read X,Y,W,H as numbers; other text is a path."""
    parts = text.split(",")
    if len(parts) != _NUMBERS:
        return text
    try:
        return tuple(float(part) for part in parts)
    except ValueError:
        return text


def mask_parts(name: str, value: object) -> tuple[MaskPart, ...]:
    """Return one part or several, as a tuple.

    Args:
        name: The option, for the message.
        value: A path, a region, or several of them.

    Raises:
        OptionError: One of them is neither.
    """
    if isinstance(value, str | PathLike) or (_is_region(value)):
        value = (value,)
    if not isinstance(value, Iterable):
        raise OptionError(f"expected regions and paths of pictures, got {value!r}", option=name)
    return tuple(
        str(fspath(part)) if isinstance(part, str | PathLike) else region(name, part)
        for part in value
    )


def _is_region(value: object) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == _NUMBERS
        and all(isinstance(number, int | float) for number in value)
    )
