"""Shrinks and stretches pictures with operations that give the same bytes on every CPU.

OpenCV's INTER_LINEAR, and its INTER_AREA at ratios that are not whole, differ between its x86 and
Arm builds by a grey level here and there, so neither is used. There are two ways to shrink. `area`
is exact and fast; it needs sizes that share a large divisor, as camera sizes do with 224. `staged`
takes all other sizes: it halves, blurs and samples.

Sizes are (height, width) everywhere; the calls into cv2 flip them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.pictures.resize import area

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw

__all__ = ["antialias", "bilinear", "forget"]


def bilinear(pixels: Pixels, size_hw: SizeHw) -> Pixels:
    """Resize by plain bilinear interpolation between pixel centres, without antialiasing.

    Equals `tf.image.resize(..., method="bilinear", antialias=False)` and Keras's
    `Resizing(interpolation="bilinear")` within one grey level. Pillow has no such mode: its
    BILINEAR antialiases when it shrinks.

    Args:
        pixels: uint8 `(H, W, 3)`.
        size_hw: Height and width of the result.

    Returns:
        uint8 `(height, width, 3)`; the picture itself if it has that size.
    """
    if pixels.shape[:2] == size_hw:
        return pixels
    resized = cv2.resize(pixels, size_hw[::-1], interpolation=cv2.INTER_LINEAR_EXACT)
    return resized.astype(np.uint8, copy=False)


def antialias(pixels: Pixels, size_hw: SizeHw) -> Pixels:
    """Resize with antialiasing: close to the mean over each target pixel's area.

    That mean is OpenCV's INTER_AREA and `tf.image.resize(method="area")`; of Pillow's filters BOX
    or HAMMING comes nearest. `area` computes it exactly where the sizes share a large enough
    divisor, and `staged` approaches it elsewhere. An axis that does not shrink is bilinear.

    Args:
        pixels: uint8 `(H, W, 3)`.
        size_hw: Height and width of the result.

    Returns:
        uint8 `(height, width, 3)`; the picture itself if it has that size.

    Raises:
        MemoryError: Memory is short.
        ImageError: ONNX Runtime failed otherwise.
    """
    if pixels.shape[:2] == size_hw:
        return pixels
    if area.fits(pixels.shape[:2], size_hw):
        return area.mean(pixels, size_hw)
    from edgefeat.pictures.resize import staged  # cameras' sizes need it no more than photos area's

    return staged.shrink(pixels, size_hw)


def forget() -> None:
    """Give back the memory of the sizes seen lately; the next picture of a size takes it again."""
    area.forget()
