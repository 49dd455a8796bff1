"""Faster or slower, and whether that is more than noise.

Latencies near in time are alike, so whole stretches of calls are drawn, never single ones (the
block bootstrap; Künsch 1989). Setups that took turns in one run are drawn together (paired): the
machine's moods cancel out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.percentiles import label
from edgefeat.bench.results import Ratio, SingleStream, Subject
from edgefeat.bench.summary import TOTAL

__all__ = ["Blocks", "paired_ratios", "ratio_of_quantiles", "whole_blocks"]

Blocks = NDArray[np.float64]
_SEED = 20261121  # the same report gives the same interval
_RESAMPLES = 1000
_QUANTILES = (0.5, 0.9)


def paired_ratios(subjects: Sequence[Subject]) -> list[Ratio]:
    """Return every setup over the first one: p50 and p90 of the single-stream latencies."""
    runs = [subject.single_stream for subject in subjects]
    base = runs[0]
    if base is None:
        return []
    ratios = []
    for subject, run in zip(subjects[1:], runs[1:], strict=True):
        if run is None:
            continue
        warmup = max(base.warmup_calls, run.warmup_calls)
        pair = whole_blocks(run, warmup), whole_blocks(base, warmup)
        for quantile in _QUANTILES:
            ratio, low, high = ratio_of_quantiles(*pair, quantile, paired=True)
            ratios.append(
                Ratio(
                    label=subject.label,
                    base=subjects[0].label,
                    statistic=label(quantile),
                    ratio=round(ratio, 4),
                    low=round(low, 4),
                    high=round(high, 4),
                )
            )
    return ratios


def ratio_of_quantiles(
    new: Blocks, base: Blocks, quantile: float, *, paired: bool
) -> tuple[float, float, float]:
    """Return the ratio of a quantile and its 95 % bootstrap interval: ratio, low, high.

    Args:
        new: `(blocks, calls)`, rows being stretches of consecutive calls.
        base: The same of what it is compared with.
        quantile: Between 0 and 1.
        paired: Whether row i of both was measured at the same time.
    """
    rng = np.random.default_rng(_SEED)
    drawn = np.empty(_RESAMPLES)
    for i in range(_RESAMPLES):
        rows = rng.integers(len(new), size=len(new))
        base_rows = rows if paired else rng.integers(len(base), size=len(base))
        drawn[i] = _quantile(new[rows], quantile) / _quantile(base[base_rows], quantile)
    low, high = np.quantile(drawn, [0.025, 0.975])
    wider = _small_sample_factor(min(len(new), len(base)))
    ratio = _quantile(new, quantile) / _quantile(base, quantile)
    return ratio, ratio * float(low / ratio) ** wider, ratio * float(high / ratio) ** wider


def _small_sample_factor(blocks: int) -> float:
    """Return how much wider the interval must be, because few blocks vary less than they should.

    Hesterberg, "What Teachers Should Know About the Bootstrap" (2015), 5.3: Student's t for the
    normal quantile, and n - 1 for n. The quantile of t is Cornish and Fisher's expansion.
    """
    z, freedom = 1.959964, max(blocks - 1, 1)
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return t / z * math.sqrt(blocks / freedom)


def _quantile(values: Blocks, quantile: float) -> float:
    """Return the nearest rank, which needs no full sort."""
    rank = max(math.ceil(quantile * values.size - 1e-9), 1) - 1
    return float(np.partition(values, rank, axis=None)[rank])


def whole_blocks(run: SingleStream, warmup: int) -> Blocks:
    """Return the calls after warm-up in whole blocks."""
    series = np.array(run.series_ms[TOTAL])
    first = -(-warmup // run.block)
    return series.reshape(-1, run.block)[first:]
