"""How sure a quantile is: whole stretches of calls are drawn anew, a thousand times.

Latencies near in time are alike, and those of one process are, so single calls are never drawn (the
block bootstrap; Künsch 1989). What is drawn are processes where there are enough, else blocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["ENOUGH_PROCESSES", "Stretches", "quantile_intervals", "ratio_of_quantiles"]

Stretches = Sequence[NDArray[np.float64]] | NDArray[np.float64]
"""What is drawn: arrays of any length, or the rows of one."""
ENOUGH_PROCESSES = 5  # fewer are drawn in too few ways
_SEED = 20261121  # the same report gives the same interval
_RESAMPLES = 1000


def ratio_of_quantiles(
    new: Stretches, base: Stretches, quantile: float, *, paired: bool
) -> tuple[float, float, float]:
    """Return the ratio of a quantile and its 95 % interval: ratio, low, high.

    Args:
        new: Stretches of latencies.
        base: The same of what it is compared with.
        quantile: Between 0 and 1.
        paired: Whether stretch i of both was measured at the same time. They are drawn together
            then, and the machine's moods cancel out.
    """
    chosen = _chosen(len(new))
    base_chosen = chosen if paired else _chosen(len(base), _SEED + 1)
    above, below = _quantiles(new, chosen, [quantile]), _quantiles(base, base_chosen, [quantile])
    ratios = (above / below)[:, 0]
    ratio = float(ratios[0])
    return ratio, *_interval(ratios[1:], ratio, min(len(new), len(base)))


def quantile_intervals(
    stretches: Stretches, quantiles: Sequence[float]
) -> list[tuple[float, float]]:
    """Return the 95 % interval of each quantile: low, high.

    Args:
        stretches: Of latencies.
        quantiles: Each between 0 and 1.
    """
    found = _quantiles(stretches, _chosen(len(stretches)), quantiles)
    return [_interval(column[1:], float(column[0]), len(stretches)) for column in found.T]


def _chosen(stretches: int, seed: int = _SEED) -> NDArray[np.int64]:
    """Return how often each stretch is drawn: once in the first row, by chance in the others."""
    drawn = np.random.default_rng(seed).integers(stretches, size=(_RESAMPLES, stretches))
    often = np.apply_along_axis(np.bincount, 1, drawn, minlength=stretches)
    return np.vstack([np.ones(stretches, np.int64), often])


def _quantiles(
    stretches: Stretches, chosen: NDArray[np.int64], quantiles: Sequence[float]
) -> NDArray[np.float64]:
    """Return the nearest ranks for each row of what was chosen: `(rows, quantiles)`."""
    values = np.concatenate(list(stretches))
    owners = np.repeat(np.arange(len(stretches)), [len(one) for one in stretches])
    order = np.argsort(values)
    values, owners = values[order], owners[order]
    found = np.empty((len(chosen), len(quantiles)))
    for row, often in zip(found, chosen, strict=True):
        counted = np.cumsum(often[owners])
        ranks = np.ceil(counted[-1] * np.asarray(quantiles) - 1e-9)
        row[:] = values[np.searchsorted(counted, np.maximum(ranks, 1))]
    return found


def _interval(drawn: NDArray[np.float64], value: float, stretches: int) -> tuple[float, float]:
    """Return the middle 95 % of what was drawn, made wider where few stretches were drawn from."""
    low, high = np.quantile(drawn, [0.025, 0.975])
    wider = _small_sample_factor(stretches)
    return value * float(low / value) ** wider, value * float(high / value) ** wider


def _small_sample_factor(stretches: int) -> float:
    """Return how much wider the interval must be, because few stretches vary less than they should.

    Hesterberg, "What Teachers Should Know About the Bootstrap" (2015), 5.3: Student's t for the
    normal quantile, and n - 1 for n. The quantile of t is Cornish and Fisher's expansion.
    """
    z, freedom = 1.959964, max(stretches - 1, 1)
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return t / z * math.sqrt(stretches / freedom)
