"""Shrinks and stretches pictures with operations that give the same bytes on every CPU.

OpenCV's INTER_LINEAR, and its INTER_AREA at ratios that are not whole, differ between its x86 and
Arm builds by a grey level here and there. INTER_LINEAR_EXACT, the mean of 2x2 blocks and NumPy's
integers do not, so only those are used. Sizes are (height, width) everywhere; `_resize` alone
flips them for cv2.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["antialias", "bilinear"]

Pixels = NDArray[np.uint8]
Size = tuple[int, int]


def bilinear(pixels: Pixels, size_hw: Size) -> Pixels:
    """Resize by plain bilinear interpolation between pixel centres, without antialiasing.

    Equals `tf.image.resize(..., method="bilinear", antialias=False)` and Keras's
    `Resizing(interpolation="bilinear")` within one grey level. Pillow has no such mode: its
    BILINEAR antialiases when it shrinks.
    """
    return _resize(pixels, size_hw, cv2.INTER_LINEAR_EXACT)


def antialias(pixels: Pixels, size_hw: Size) -> Pixels:
    """Resize with antialiasing, close to averaging over each target pixel's area.

    That average is OpenCV's INTER_AREA and `tf.image.resize(method="area")`; of Pillow's filters
    HAMMING comes nearest.
    Each axis is halved exactly while it is at least four times its target, brought to twice its
    target bilinearly, and halved exactly once more. An axis that does not shrink is bilinear only.
    """
    halvings = [_halvings(n, t) for n, t in zip(pixels.shape[:2], size_hw, strict=True)]
    gained = [0.0, 0.0]
    for done in range(max(halvings)):
        for axis in (0, 1):
            if done < halvings[axis]:
                pixels, gained[axis] = _make_even(pixels, axis, gained[axis])
        pixels = _halve(pixels, rows=done < halvings[0], columns=done < halvings[1])
    rows, columns = pixels.shape[0] > size_hw[0], pixels.shape[1] > size_hw[1]
    twice = ((1 + rows) * size_hw[0], (1 + columns) * size_hw[1])
    return _halve(_resize(pixels, twice, cv2.INTER_LINEAR_EXACT), rows=rows, columns=columns)


def _halvings(side: int, target: int) -> int:
    """Return how often a side can be halved while it is at least four times its target."""
    return max(0, (side // target).bit_length() - 2)


def _make_even(pixels: Pixels, axis: int, gained: float) -> tuple[Pixels, float]:
    """Drop a last odd row or column, or repeat it where more was dropped than repeated before.

    So the picture's extent, and with it every target pixel's place, stays true. `gained` says by
    how much it is too long, before in this scale's pixels and after in those of the next.
    """
    if pixels.shape[axis] % 2 == 0:
        return pixels, gained / 2
    if gained < 0:
        last = pixels[-1:] if axis == 0 else pixels[:, -1:]
        return np.concatenate((pixels, last), axis), (gained + 1) / 2
    return (pixels[:-1] if axis == 0 else pixels[:, :-1]), (gained - 1) / 2


def _halve(pixels: Pixels, *, rows: bool, columns: bool) -> Pixels:
    """Average blocks of 2x2, halves rounded up, or pairs of rows or columns, halves rounded down.

    A block's mean gains an eighth of a grey level that way and a pair's loses a quarter: steps of
    both kinds leave the picture's brightness where it was.
    """
    height, width = pixels.shape[:2]
    if rows and columns:
        return _resize(pixels, (height // 2, width // 2), cv2.INTER_AREA)
    if columns:  # cv2 averages 2x1 blocks ten times slower than 2x2 ones; ~ turns up into down
        doubled = np.repeat(~pixels, 2, axis=0)
        return ~_resize(doubled, (height, width // 2), cv2.INTER_AREA)
    if rows:
        upper, lower = pixels[0::2], pixels[1::2]
        half_difference = upper ^ lower
        half_difference >>= 1
        half_difference += upper & lower  # (upper + lower) // 2 in 8 bits
        return half_difference
    return pixels


def _resize(pixels: Pixels, size_hw: Size, interpolation: int) -> Pixels:
    if pixels.shape[:2] == size_hw:
        return pixels
    resized = cv2.resize(pixels, (size_hw[1], size_hw[0]), interpolation=interpolation)
    return resized.astype(np.uint8, copy=False)
