"""Antialiased shrinking in stages, for sizes that have little in common with the target.

INTER_LINEAR_EXACT, the mean of 2x2 blocks, the mean of 3 or 5 neighbours, the Gaussian blur of
bytes and NumPy's integers give the same bytes on every CPU, so only those are used.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw

__all__ = ["shrink"]

Extent = tuple[float, float]
"""A picture's true (height, width) in pixels of its present scale. An array's rows and columns are
whole, so it may hold a little less or more than the picture."""

# Ways to make one target pixel of an axis: the mean of so many neighbours (taps), so many samples,
# and the ratio from which on gaps between the samples show.
_BOXES = ((1, 1, 1.2), (1, 2, 2.53), (3, 1, 3.4), (5, 1, 5.6), (3, 2, 8.6))
_LARGEST_BOX_ERROR = 0.0115
"""How far the variance of a box may be off, both axes together, in target pixels squared."""

# An axis is halved while at least so many pixels of it make a target pixel. The first halving needs
# less than the others: below, the mean of five neighbours or a Gaussian does better.
_HALVE_FIRST, _HALVE_AGAIN = 4.78, 6.5
_HALVE_ONE_AXIS = 10.0  # from here on an axis is halved even if the other is not


def shrink(pixels: Pixels, size_hw: SizeHw) -> Pixels:
    """Resize to nearly the mean over each target pixel's area; enlarge by bilinear interpolation.

    A large picture is halved exactly; then each axis gets a light blur and one or two bilinear
    samples for every target pixel. The blur is the mean of a few neighbours where that comes close
    enough, because it is the fastest. Elsewhere it is a Gaussian.

    Args:
        pixels: uint8 `(height, width, channels)`.
        size_hw: Height and width of the result.
    """
    pixels, extent = _halved(pixels, size_hw)
    boxes = _boxes(_ratios(extent, size_hw))
    if boxes is not None:
        (taps_y, samples_y), (taps_x, samples_x) = boxes
        pixels = _mean(pixels, taps_y, taps_x)
    else:
        pixels, extent = _doubled(pixels, extent, size_hw)
        ratio_y, ratio_x = _ratios(extent, size_hw)
        samples_y, samples_x = _samples(ratio_y, ratio_x), _samples(ratio_x, ratio_y)
        pixels = _blur(pixels, _variance(ratio_y, samples_y), _variance(ratio_x, samples_x))
    sampled_hw = samples_y * size_hw[0], samples_x * size_hw[1]
    pixels = _sample(pixels, extent, sampled_hw)
    return _halve(pixels, rows=samples_y == 2, columns=samples_x == 2)


def _ratios(extent: Extent, size_hw: SizeHw) -> Extent:
    """Return how many pixels, of rows and of columns, make a target pixel."""
    return extent[0] / size_hw[0], extent[1] / size_hw[1]


def _halved(pixels: Pixels, size_hw: SizeHw) -> tuple[Pixels, Extent]:
    """Halve while enough pixels are left for the blur and the samples that follow."""
    extent: Extent = (float(pixels.shape[0]), float(pixels.shape[1]))
    enough = _HALVE_FIRST
    while True:
        ratios = _ratios(extent, size_hw)
        if _boxes(ratios) is not None:
            return pixels, extent
        both = min(ratios) >= enough
        rows, columns = (both or ratio >= _HALVE_ONE_AXIS for ratio in ratios)
        if not (rows or columns):
            return pixels, extent
        if rows:
            pixels = _even(pixels, 0, extent[0])
        if columns:
            pixels = _even(pixels, 1, extent[1])
        pixels = _halve(pixels, rows=rows, columns=columns)
        extent = extent[0] / (1 + rows), extent[1] / (1 + columns)
        enough = _HALVE_AGAIN


def _even(pixels: Pixels, axis: int, extent: float) -> Pixels:
    """Drop a last odd row or column, or repeat it where the picture has lost one before."""
    side = pixels.shape[axis]
    if side % 2 == 0:
        return pixels
    if side < extent:
        last = pixels[-1:] if axis == 0 else pixels[:, -1:]
        return np.concatenate((pixels, last), axis)
    return pixels[:-1] if axis == 0 else pixels[:, :-1]


def _variance(ratio: float, samples: int) -> float:
    """Return the variance that an axis's blur should have, in pixels squared.

    Blur, interpolation (a variance of 1/6 on average) and the spacing of the samples add up to the
    variance of the area, (ratio ** 2 + 1) / 12.

    Args:
        ratio: How many pixels make a target pixel.
        samples: How many samples make a target pixel.
    """
    if ratio <= 1:
        return 0.0
    return (ratio**2 - 1) / 12 if samples == 1 else (ratio**2 - 4) / 48


@lru_cache(maxsize=256)
def _boxes(ratios: Extent) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return each axis's taps and samples, if means of neighbours come close to the area's mean."""
    (error_y, taps_y, samples_y), (error_x, taps_x, samples_x) = map(_box, ratios)
    if math.hypot(error_y, error_x) > _LARGEST_BOX_ERROR:
        return None
    if taps_x == 1 < taps_y:  # OpenCV is slower at that mean than at a Gaussian
        return None
    return (taps_y, samples_y), (taps_x, samples_x)


def _box(ratio: float) -> tuple[float, int, int]:
    """Return the error of the best mean for one axis, its taps and its samples."""
    errors = (
        (abs((taps**2 - 1) / 12 - _variance(ratio, samples)) / ratio**2, taps, samples)
        for taps, samples, gaps_from in (_BOXES if ratio > 1 else _BOXES[:1])
        if ratio < gaps_from
    )
    return min(errors, default=(math.inf, 1, 1))


def _mean(pixels: Pixels, taps_y: int, taps_x: int) -> Pixels:
    """Replace each pixel by the mean of its neighbourhood.

    The mean of an odd number of bytes never lies halfway between two bytes, so every CPU rounds it
    alike.
    """
    if taps_y == taps_x == 1:
        return pixels
    means = cv2.blur(pixels, (taps_x, taps_y), borderType=cv2.BORDER_REPLICATE)
    return means.astype(np.uint8, copy=False)


def _doubled(pixels: Pixels, extent: Extent, size_hw: SizeHw) -> tuple[Pixels, Extent]:
    """Repeat the pixels of an axis that shrinks little, because bilinear samples would blur it."""
    times_y, times_x = (2 if 1.2 <= ratio < 1.6 else 1 for ratio in _ratios(extent, size_hw))
    height, width = pixels.shape[:2]
    pixels = _resize(pixels, (times_y * height, times_x * width), cv2.INTER_NEAREST)
    return pixels, (times_y * extent[0], times_x * extent[1])


def _samples(ratio: float, other: float) -> int:
    """Return how many samples of an axis make a target pixel, after a Gaussian blur.

    Experiments showed where two are better than one. Between 3.4 and 4.1 they are worth their time
    only if the other axis shrinks by 3.1 or more.

    Args:
        ratio: How many pixels of this axis make a target pixel.
        other: How many pixels of the other axis do.
    """
    if ratio < 1.2 or 2.53 <= ratio < 3.1 or 4.1 <= ratio < 4.7:
        return 1
    return 1 if 3.4 <= ratio < 4.1 and other < 3.1 else 2


def _blur(pixels: Pixels, variance_y: float, variance_x: float) -> Pixels:
    """Blur each axis by a Gaussian of a variance, in pixels squared."""
    (taps_y, sigma_y), (taps_x, sigma_x) = _kernel(variance_y), _kernel(variance_x)
    if taps_y == taps_x == 1:
        return pixels
    blurred = cv2.GaussianBlur(
        pixels, (taps_x, taps_y), sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REPLICATE
    )
    return blurred.astype(np.uint8, copy=False)


@lru_cache(maxsize=256)
def _kernel(variance: float) -> tuple[int, float]:
    """Return the taps of a short Gaussian kernel, and the deviation that gives it this variance.

    The weights are 1, q, q**4 from the middle outwards. OpenCV takes a deviation and rounds the
    weights to 256ths. Three equal taps have a variance of 2/3, five equal taps one of 2.
    """
    if variance < 1 / 20:
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


def _sample(pixels: Pixels, extent: Extent, size_hw: SizeHw) -> Pixels:
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


def _resize(pixels: Pixels, size_hw: SizeHw, interpolation: int) -> Pixels:
    if pixels.shape[:2] == size_hw:
        return pixels
    resized = cv2.resize(pixels, (size_hw[1], size_hw[0]), interpolation=interpolation)
    return resized.astype(np.uint8, copy=False)
