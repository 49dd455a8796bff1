"""Shrinks and stretches pictures with operations that give the same bytes on every CPU.

OpenCV's INTER_LINEAR differs between its x86 and Arm builds by one grey level in a quarter of all
pixels; INTER_LINEAR_EXACT and averaging exact 2x2 (or 2x1) blocks do not differ, so only those are
used here. Sizes are (height, width) everywhere; `_resize` is the one place that flips them for cv2.
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
    `Resizing(interpolation="bilinear")` within one grey level.
    """
    return _resize(pixels, size_hw, cv2.INTER_LINEAR_EXACT)


def antialias(pixels: Pixels, size_hw: Size) -> Pixels:
    """Resize with antialiasing, close to averaging over each target pixel's area.

    Each axis is halved exactly while it is at least four times its target, brought to twice its
    target bilinearly, and halved exactly once more. An axis that does not shrink is bilinear only.
    """
    pixels = _halve_while_far(pixels, size_hw)
    (height, width), (target_h, target_w) = pixels.shape[:2], size_hw
    twice_h = 2 * target_h if height > target_h else target_h
    twice_w = 2 * target_w if width > target_w else target_w
    if (height, width) != (twice_h, twice_w):
        pixels = _resize(pixels, (twice_h, twice_w), cv2.INTER_LINEAR_EXACT)
    if (twice_h, twice_w) != size_hw:
        pixels = _resize(pixels, size_hw, cv2.INTER_AREA)
    return pixels


def _halve_while_far(pixels: Pixels, size_hw: Size) -> Pixels:
    while True:
        height, width = pixels.shape[:2]
        by_h = 2 if height >= 4 * size_hw[0] else 1
        by_w = 2 if width >= 4 * size_hw[1] else 1
        if by_h == by_w == 1:
            return pixels
        # An odd last row or column is left out: at most 1/900 of the picture at 224 pixels.
        even = pixels[: height // by_h * by_h, : width // by_w * by_w]
        pixels = _resize(even, (height // by_h, width // by_w), cv2.INTER_AREA)


def _resize(pixels: Pixels, size_hw: Size, interpolation: int) -> Pixels:
    if pixels.shape[:2] == size_hw:
        return pixels
    resized = cv2.resize(pixels, (size_hw[1], size_hw[0]), interpolation=interpolation)
    return resized.astype(np.uint8, copy=False)
