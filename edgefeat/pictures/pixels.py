"""What a decoder leaves undone: 16 bits become 8, alpha is laid on white, pictures turn upright."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edgefeat.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgefeat.arrays import Pixels

__all__ = ["as_uint8", "eight_bits", "flattened", "scaled_to_eight_bits", "upright"]

_PIXELS_AT_ONCE = 2**18  # blended in one go: the products need four bytes a number
# What turns pixels stored under an Exif orientation upright (Exif 2.32, tag 0x0112).
_UPRIGHT: dict[int, Callable[[Any], Any]] = {
    2: lambda p: cv2.flip(p, 1),
    3: lambda p: cv2.rotate(p, cv2.ROTATE_180),
    4: lambda p: cv2.flip(p, 0),
    5: cv2.transpose,
    6: lambda p: cv2.rotate(p, cv2.ROTATE_90_CLOCKWISE),
    7: lambda p: cv2.flip(cv2.transpose(p), -1),
    8: lambda p: cv2.rotate(p, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def eight_bits(pixels: NDArray[np.generic], where: str | None = None) -> Pixels:
    """Return pixels of 8 or 16 bits a channel as uint8: 0 stays 0, 65535 becomes 255.

    Args:
        pixels: uint8 or uint16, any shape.
        where: The picture's name, for messages; None where a caller adds it.

    Raises:
        ImageError: The pixels have another type.
    """
    kind, size = pixels.dtype.kind, pixels.dtype.itemsize
    if (kind, size) == ("u", 1):
        return as_uint8(pixels)
    if (kind, size) == ("u", 2):
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    remedy = "Scale the values to 0..255 and pass them as uint8."
    if kind == "f":
        remedy = "For floats in 0..1 pass (x * 255).round().astype('uint8')."
    elif kind == "b":
        remedy = "For a mask pass x.astype('uint8') * 255."
    raise ImageError(
        f"expected uint8, values 0 to 255, or uint16, values 0 to 65535, got {pixels.dtype}",
        where=where,
        remedy=remedy,
    )


def scaled_to_eight_bits(values: NDArray[np.integer], most: int) -> Pixels:
    """Return values from 0 to `most` as uint8 from 0 to 255, rounded; greater values become 255.

    Args:
        values: uint8 or uint16, of any shape.
        most: The value that becomes 255, at most 65535.

    Returns:
        An array of the same shape; the very same one if there is nothing to do.
    """
    if most == 255 and values.dtype == np.uint8:
        return as_uint8(values)
    table = (np.arange(most + 1, dtype=np.uint32) * 255 + most // 2) // most
    if most < 256 and values.dtype == np.uint8:
        full = np.full(256, 255, np.uint8)
        full[: most + 1] = table
        return as_uint8(full[values])
    return as_uint8(table.astype(np.uint8)[np.minimum(values, most)])


def flattened(pixels: Pixels) -> Pixels:
    """Return pixels as BGR, uint8 `(height, width, 3)`; transparent ones are laid on white.

    Args:
        pixels: uint8 `(height, width)` or `(height, width, 1)`, grey; `(height, width, 3)`, BGR; or
            `(height, width, 4)`, BGR with alpha.
    """
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return as_uint8(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if pixels.shape[2] == 3:
        return pixels
    flat = np.empty((*pixels.shape[:2], 3), np.uint8)
    rows = max(1, _PIXELS_AT_ONCE // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        strip = pixels[top : top + rows]
        alpha = strip[..., 3:].astype(np.uint32)
        blended = strip[..., :3] * alpha + 255 * (255 - alpha)
        flat[top : top + rows] = (blended + 127) // 255
    return flat


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """Turn pixels as their Exif orientation says.

    Args:
        pixels: uint8 `(height, width, channels)`.
        orientation: 1 to 8; anything else turns nothing.
    """
    turned = _UPRIGHT[orientation](pixels) if orientation in _UPRIGHT else pixels
    return as_uint8(turned)


def as_uint8(pixels: NDArray[np.generic]) -> Pixels:
    """Tell type checkers what cv2's loose stubs do not: these pixels are uint8 already."""
    return pixels.astype(np.uint8, copy=False)
