"""The scene of every picture, and what is to be seen of it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

H, W = 21, 37  # odd, so that padding, strips, tiles and nibbles all show
Array = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One file.

    Args:
        name: What it is.
        data: The file.
        rgb: The right pixels, RGB on white; for refused variants nothing.
        near: The mean absolute difference that is allowed.
        pillow: Whether Pillow reads it rightly too; False where its own reading is known to differ.
    """

    name: str
    data: bytes
    rgb: NDArray[np.float64] | None = None
    near: float = 0.51
    pillow: bool = True


def scene() -> Array:
    """Return the scene, RGB: every band runs another way, so that no swap goes unseen."""
    y, x = np.mgrid[0:H, 0:W]
    return np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x * 7 + y * 13) % 256], 2)


def alpha() -> Array:
    """Return the scene's alpha: from clear to opaque, upwards."""
    y, x = np.mgrid[0:H, 0:W]
    return ((H - 1 - y) * 251 // (H - 1) + x % 5)[..., np.newaxis]


def deep(values: Array, bits: int) -> Array:
    """Return values of 8 bits as values of other bits."""
    return (values.astype(np.int64) * ((1 << bits) - 1) + 127) // 255


def seen(values: Array, bits: int = 8, opacity: Array | None = None) -> NDArray[np.float64]:
    """Return what is to be seen of values of some bits, on white."""
    rgb = values.astype(float) * 255 / ((1 << bits) - 1)
    rgb = np.repeat(rgb, 3, 2) if rgb.shape[2] == 1 else rgb
    if opacity is None:
        return rgb
    share = opacity / ((1 << bits) - 1)
    return rgb * share + 255 * (1 - share)


def lying(values: Array, how: object) -> Array:
    """Return values as they are stored so that an orientation turns them upright."""
    if how == "t":
        return values.swapaxes(0, 1)
    if how == "tr":
        return values[::-1, ::-1].swapaxes(0, 1)
    if how == "cw":  # to be turned clockwise
        return np.rot90(values, 1)
    if how == "ccw":
        return np.rot90(values, -1)
    return np.flip(values, how)  # type: ignore[call-overload,no-any-return]


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def on_white(image: Image.Image) -> NDArray[np.float64]:
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image.convert("RGBA"))
    return np.asarray(white.convert("RGB")).astype(float)


def pillow_says(data: bytes) -> NDArray[np.float64]:
    return on_white(Image.open(io.BytesIO(data)))


def words(layout: Mapping[str, object]) -> str:
    """Return options in words."""
    return " ".join(f"{name}={value}" for name, value in layout.items())
