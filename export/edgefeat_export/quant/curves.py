"""Curved functions from single operations, so that every CPU gives the same bits.

NumPy's own differ in the last bits: it chooses between implementations, and so does the C library
below it. These are as near as float64 needs to be before a result is rounded to half precision.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from edgefeat_export.arrays import Floats

__all__ = ["erf", "exp", "sigmoid", "tanh"]

_LARGEST: Final = 700.0  # e**700 is near the end of float64
_LOG2_E: Final = 1 / math.log(2)
_LN2_HIGH: Final = float.fromhex("0x1.62e42fee00000p-1")  # 32 bits: a multiple of it is exact
_LN2_LOW: Final = float.fromhex("0x1.a39ef35793c76p-33")
_EXP_SERIES: Final = tuple(1 / math.factorial(n) for n in range(13, -1, -1))
_ERF_DECAY: Final = 0.3275911
_ERF_SERIES: Final = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)


def exp(x: Floats) -> Floats:
    """Return e**x to 1e-15 of it: 2**k times a Taylor series of what is left, below 0.35."""
    bounded = np.clip(x, -_LARGEST, _LARGEST)
    powers = np.rint(bounded * _LOG2_E)
    rest = bounded - powers * _LN2_HIGH - powers * _LN2_LOW
    total = np.full_like(rest, _EXP_SERIES[0])
    for factor in _EXP_SERIES[1:]:
        total *= rest
        total += factor
    return np.asarray(np.ldexp(total, powers.astype(np.int32)), np.float64)


def sigmoid(x: Floats) -> Floats:
    """Return 1 / (1 + e**-x)."""
    return np.asarray(1 / (1 + exp(-x)), np.float64)


def tanh(x: Floats) -> Floats:
    """Return the hyperbolic tangent to 1e-15."""
    decay = exp(-2 * np.abs(x))
    return np.copysign((1 - decay) / (1 + decay), x)


def erf(x: Floats) -> Floats:
    """Return the error function to 1.5e-7 (Abramowitz and Stegun, 7.1.26)."""
    size = np.abs(x)
    t = 1 / (1 + _ERF_DECAY * size)
    series = np.zeros_like(t)
    for factor in _ERF_SERIES:
        series = (series + factor) * t
    return np.copysign(1 - series * exp(-size * size), x)
