"""Shrinks and stretches pictures with operations that give the same bytes on every CPU.

OpenCV's INTER_LINEAR, and its INTER_AREA at ratios that are not whole, differ between its x86 and
Arm builds by a grey level here and there. INTER_LINEAR_EXACT, the mean of 2x2 blocks, the Gaussian
blur of bytes and NumPy's integers do not, so only those are used. Sizes are (height, width)
everywhere; what calls cv2 flips them.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["antialias", "bilinear"]

Pixels = NDArray[np.uint8]
Size = tuple[int, int]
Extent = tuple[float, float]
"""A picture's true (height, width) in pixels of its present scale; rows and columns are whole."""


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
    BOX or HAMMING comes nearest. A large picture is halved exactly; then each axis gets a light
    blur and one or two bilinear samples for every target pixel. An axis that does not shrink is
    bilinear.
    """
    before = pixels.shape
    pixels, extent = _halved(pixels, size_hw)
    was_halved = [left < side for left, side in zip(extent, before, strict=False)]
    pixels, extent = _doubled(pixels, extent, size_hw)
    ratios = [side / target for side, target in zip(extent, size_hw, strict=True)]
    (rows, blur_y), (columns, blur_x) = map(_samples, ratios, was_halved)
    pixels = _blur(pixels, blur_y, blur_x)
    pixels = _sample(pixels, extent, (rows * size_hw[0], columns * size_hw[1]))
    return _halve(pixels, rows=rows == 2, columns=columns == 2)


def _halved(pixels: Pixels, size_hw: Size) -> tuple[Pixels, Extent]:
    """Halve while enough is left for a good end, which takes more after the first time."""
    extent: Extent = (float(pixels.shape[0]), float(pixels.shape[1]))
    enough = 4.5
    while True:
        ratios = [side / target for side, target in zip(extent, size_hw, strict=True)]
        whole = all(ratio >= 4 and ratio % 2 == 0 for ratio in ratios)
        both = whole or min(ratios) >= enough
        rows, columns = (both or ratio >= 10 for ratio in ratios)
        if not (rows or columns):
            return pixels, extent
        if rows:
            pixels = _even(pixels, 0, extent[0])
        if columns:
            pixels = _even(pixels, 1, extent[1])
        pixels = _halve(pixels, rows=rows, columns=columns)
        extent = extent[0] / (1 + rows), extent[1] / (1 + columns)
        enough = 6.5


def _even(pixels: Pixels, axis: int, extent: float) -> Pixels:
    """Drop a last odd row or column, or repeat it where the picture has lost one before."""
    side = pixels.shape[axis]
    if side % 2 == 0:
        return pixels
    if side < extent:
        last = pixels[-1:] if axis == 0 else pixels[:, -1:]
        return np.concatenate((pixels, last), axis)
    return pixels[:-1] if axis == 0 else pixels[:, :-1]


def _doubled(pixels: Pixels, extent: Extent, size_hw: Size) -> tuple[Pixels, Extent]:
    """Repeat the pixels of an axis that shrinks little: bilinear samples would blur it."""
    rows, columns = (
        2 if 1.2 <= side / target < 2 else 1 for side, target in zip(extent, size_hw, strict=True)
    )
    height, width = pixels.shape[:2]
    pixels = _resize(pixels, (rows * height, columns * width), cv2.INTER_NEAREST)
    return pixels, (rows * extent[0], columns * extent[1])


def _samples(ratio: float, was_halved: bool) -> tuple[int, float]:
    """Return how many samples of an axis make a target pixel, and the variance of its blur.

    `ratio` is how many pixels make a target pixel. Blur, interpolation (a variance of 1/6 on
    average) and the samples' spacing together get the variance of the area, (ratio ** 2 + 1) / 12.
    Where one sample does it and where two do it better was found by experiment; after a halving,
    which blurs a little already, one does it a little longer.
    """
    if ratio <= 1:
        return 1, 0.0
    three_taps_end = 3.3 if was_halved else 3.1
    if ratio < 1.2 or 2.4 <= ratio < three_taps_end or 3.4 <= ratio < 4.7:
        return 1, (ratio**2 - 1) / 12
    return 2, (ratio**2 - 4) / 48


def _blur(pixels: Pixels, rows: float, columns: float) -> Pixels:
    """Blur each axis by a Gaussian of a variance, in pixels squared."""
    (high, sigma_y), (wide, sigma_x) = _kernel(rows), _kernel(columns)
    if high == wide == 1:
        return pixels
    blurred = cv2.GaussianBlur(
        pixels, (wide, high), sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REPLICATE
    )
    return blurred.astype(np.uint8, copy=False)


def _kernel(variance: float) -> tuple[int, float]:
    """Return the taps, and the deviation that gives so short a Gaussian kernel that variance.

    The weights are 1, q, q**4 from the middle outwards. OpenCV takes a deviation and rounds the
    weights to 256ths. Three equal taps have a variance of 2/3, five of 2.
    """
    if variance < 1 / 32:
        return 1, 1.0
    if variance < 0.83:  # three taps do a little more than their best as well as five
        weight = min(variance / 2, 85 / 256)
        q, taps = weight / (1 - 2 * weight), 3
    else:
        q, taps = _five_taps(min(variance, 1.95)), 5
    deviation = math.sqrt(-0.5 / math.log(q))
    return taps, round(deviation, 6)  # C libraries' logarithms differ in the last bit


def _five_taps(variance: float) -> float:
    """Return the q of a kernel [q**4, q, 1, q, q**4] of that variance, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(30):
        q = (low + high) / 2
        if 2 * (q + 4 * q**4) < variance * (1 + 2 * q + 2 * q**4):
            low = q
        else:
            high = q
    return high


def _sample(pixels: Pixels, extent: Extent, size_hw: Size) -> Pixels:
    """Interpolate at the centres of as many equal parts of the picture's extent."""
    if pixels.shape[:2] == size_hw:
        return pixels
    fx, fy = size_hw[1] / extent[1], size_hw[0] / extent[0]
    resized = cv2.resize(pixels, None, fx=fx, fy=fy, interpolation=cv2.INTER_LINEAR_EXACT)
    return resized.astype(np.uint8, copy=False)


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
