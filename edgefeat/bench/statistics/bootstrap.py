"""How sure a quantile is: whole stretches of calls are drawn anew, a thousand times.

Latencies that are near in time are alike, and so are those of one process. Single calls would make
the intervals too narrow, so they are never drawn (the block bootstrap; Künsch 1989). Processes are
drawn where there are at least `ENOUGH_PROCESSES`, else blocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["ENOUGH_PROCESSES", "Stretches", "quantile_intervals", "ratio_of_quantiles"]

Stretches = Sequence[NDArray[np.float64]] | NDArray[np.float64]
"""What is drawn: arrays of any length, or the rows of one array."""

ENOUGH_PROCESSES = 5
"""Fewer processes can be drawn in too few ways."""

_SEED = 20261121  # fixed, so that the same report gives the same interval
_RESAMPLES = 1000
_INTERVAL = (0.025, 0.975)  # the middle 95 %
_NORMAL_QUANTILE = 1.959964  # the quantile at 0.975
_ROUNDING = 1e-9  # 0.9 * 10 must not be rounded up to rank 10


def ratio_of_quantiles(
    new: Stretches, base: Stretches, quantile: float, *, paired: bool
) -> tuple[float, float, float]:
    """Return the ratio of a quantile in two samples, and its 95 % interval: ratio, low, high.

    Args:
        new: Stretches of latencies.
        base: Stretches of the latencies that they are compared with.
        quantile: Which quantile, between 0 and 1.
        paired: Whether stretch i of both was measured at the same time. The two are then drawn
            together, and what the machine did meanwhile cancels out.
    """
    drawn = _draw(len(new))
    base_drawn = drawn if paired else _draw(len(base), _SEED + 1)
    above, below = _quantiles(new, drawn, [quantile]), _quantiles(base, base_drawn, [quantile])
    ratios = (above / below)[:, 0]
    ratio = float(ratios[0])
    return ratio, *_interval(ratios[1:], ratio, min(len(new), len(base)))


def quantile_intervals(
    stretches: Stretches, quantiles: Sequence[float]
) -> list[tuple[float, float]]:
    """Return the 95 % interval of each quantile: low, high.

    Args:
        stretches: Stretches of latencies.
        quantiles: Which quantiles, each between 0 and 1.
    """
    found = _quantiles(stretches, _draw(len(stretches)), quantiles)
    return [_interval(column[1:], float(column[0]), len(stretches)) for column in found.T]


def _draw(stretches: int, seed: int = _SEED) -> NDArray[np.int64]:
    """Return how often each stretch is drawn: `(1 + _RESAMPLES, stretches)`.

    The first row is the sample itself, with every stretch once; the others are drawn by chance.
    """
    drawn = np.random.default_rng(seed).integers(stretches, size=(_RESAMPLES, stretches))
    counts = np.apply_along_axis(np.bincount, 1, drawn, minlength=stretches)
    return np.vstack([np.ones(stretches, np.int64), counts])


def _quantiles(
    stretches: Stretches, drawn: NDArray[np.int64], quantiles: Sequence[float]
) -> NDArray[np.float64]:
    """Return the nearest ranks in each resample: `(rows of drawn, quantiles)`."""
    values = np.concatenate(list(stretches))
    owners = np.repeat(np.arange(len(stretches)), [len(one) for one in stretches])
    order = np.argsort(values)
    values, owners = values[order], owners[order]
    found = np.empty((len(drawn), len(quantiles)))
    for row, counts in zip(found, drawn, strict=True):
        values_up_to = np.cumsum(counts[owners])
        ranks = np.ceil(values_up_to[-1] * np.asarray(quantiles) - _ROUNDING)
        row[:] = values[np.searchsorted(values_up_to, np.maximum(ranks, 1))]
    return found


def _interval(drawn: NDArray[np.float64], value: float, stretches: int) -> tuple[float, float]:
    """Return the middle 95 % of the resamples, made wider if they come from few stretches."""
    low, high = np.quantile(drawn, _INTERVAL)
    wider = _small_sample_factor(stretches)
    return value * float(low / value) ** wider, value * float(high / value) ** wider


def _small_sample_factor(stretches: int) -> float:
    """Return how much wider an interval must be because few stretches vary too little.

    Hesterberg, "What Teachers Should Know About the Bootstrap" (2015), 5.3: Student's t in the
    place of the normal quantile, and n - 1 in the place of n. The quantile of t is Cornish and
    Fisher's expansion.
    """
    z, freedom = _NORMAL_QUANTILE, max(stretches - 1, 1)
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return t / z * math.sqrt(stretches / freedom)
