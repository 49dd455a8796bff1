"""What a calibration tries on frames that it kept: things that come, and a light that falls."""

from __future__ import annotations

from math import sqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Pixels

__all__ = ["THING_SHARE", "Thinned", "darker", "with_thing"]

THING_SHARE = 0.03
_LIGHT = 0.7
_LEAST_CONTRAST = 30.0  # grey levels; a copy that is more like what it covers is made brighter
_BRIGHTER = 60.0
_TRIES = 20

T = TypeVar("T")


class Thinned(list[T]):
    """A list that keeps a bounded number of items, spread over all that were offered.

    Args:
        places: How many there may be.
    """

    def __init__(self, places: int) -> None:
        super().__init__()
        self._places, self._stride, self._offered = places, 1, 0

    def offer(self, item: T) -> None:
        """Keep an item if it is its turn."""
        if self._offered % self._stride == 0:
            self.append(item)
            if len(self) > self._places:
                del self[1::2]
                self._stride *= 2
        self._offered += 1


def darker(pixels: Pixels) -> Pixels:
    """Return a picture in a light that fell by 30 %: uint8, of the same shape.

    Args:
        pixels: uint8 `(height, width, channels)`.
    """
    return (pixels * np.float32(_LIGHT) + np.float32(0.5)).astype(np.uint8)


def with_thing(
    pixels: Pixels, rng: np.random.Generator, counts: NDArray[np.float32] | None
) -> Pixels:
    """Return a picture in which something covers 3 %: a part of it from elsewhere, upside down.

    Args:
        pixels: uint8 `(height, width, channels)`.
        rng: Chooses the places.
        counts: float32 `(height, width)`, where motion counts; None: everywhere.

    Returns:
        uint8, of the same shape.
    """
    height, width = pixels.shape[:2]
    h, w = (max(1, round(sqrt(THING_SHARE) * side)) for side in (height, width))
    for _ in range(_TRIES):
        y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
        if counts is None or counts[y : y + h, x : x + w].all():
            break
    from_y, from_x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    thing = pixels[from_y : from_y + h, from_x : from_x + w][::-1].astype(np.float32)
    covered = pixels[y : y + h, x : x + w].astype(np.float32)
    if np.abs(thing - covered).mean() < _LEAST_CONTRAST:
        thing += _BRIGHTER if covered.mean() < 255 / 2 else -_BRIGHTER
    changed = pixels.copy()
    changed[y : y + h, x : x + w] = np.clip(thing, 0, 255).astype(np.uint8)
    return changed
