"""Sums that come out the same on every CPU: decisions of the quantizer rest on nothing else.

One addition, multiplication, division or square root has the same result everywhere, to the last
bit. A sum of many numbers has not: kernels add in an order of their own, eight or sixteen numbers
side by side, and some fuse a multiplication with the addition behind it. Each order rounds another
way. Here nothing is rounded on the way to a sum. Numbers are first rounded to a grid, that is to
whole multiples of a power of two, so coarse that every product and every sum is a whole number
below 2**53. Float64 holds those exactly, and the order does not matter. The fastest matrix product
there is may then compute them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.arrays import Floats

__all__ = ["grid_step", "matmul", "on_grid", "spare_bits", "sum_in_order"]

_MANTISSA_BITS: Final = 53
_ROUNDER: Final = 1.5 * 2.0**52  # float64 has no fraction left beside this number


def spare_bits(terms: int) -> int:
    """Return how many bits two factors may have together, so that products add exactly.

    Args:
        terms: How many products are added.
    """
    return _MANTISSA_BITS - max(0, terms - 1).bit_length()


def grid_step(x: Floats, bits: int, axis: int | None = None) -> Floats:
    """Return the power of two of which no number in `x` is more than 2**bits multiples.

    Args:
        x: Any finite numbers.
        bits: How fine the grid is.
        axis: Gives one step for each row along it; None gives one for all of `x`.
    """
    if x.size == 0:
        return np.ones((1,) * x.ndim)
    largest = np.maximum(x.max(axis, keepdims=True), -x.min(axis, keepdims=True))
    return np.asarray(np.ldexp(1.0, np.frexp(largest)[1] - bits), np.float64)


def on_grid(x: NDArray[Any], bits: int, axis: int | None = None) -> Floats:
    """Return numbers rounded to the nearest multiples of their step; see `grid_step`."""
    rounded = x.astype(np.float64)
    far = grid_step(rounded, bits, axis) * _ROUNDER
    rounded += far
    rounded -= far
    return rounded


def matmul(a: Floats, b: Floats) -> Floats:
    """Return `a @ b` to some 40 bits.

    Each factor is cut into a coarse and a fine part whose products add exactly (Ozaki et al.,
    "Error-free transformations of matrix multiplication", 2012).
    """
    bits = spare_bits(a.shape[-1]) // 2
    coarse_a, coarse_b = on_grid(a, bits, -1), on_grid(b, bits, -2)
    fine_a, fine_b = on_grid(a - coarse_a, bits, -1), on_grid(b - coarse_b, bits, -2)
    product: Floats = coarse_a @ coarse_b
    product += coarse_a @ fine_b
    product += fine_a @ coarse_b
    return product


def sum_in_order(x: NDArray[Any], axis: int) -> Floats:
    """Return the sum along an axis in float64, added one number after the other."""
    if x.shape[axis] == 0:
        return np.zeros(np.delete(x.shape, axis))
    total: Floats = np.add.accumulate(x, axis, dtype=np.float64).take(-1, axis)
    return total
