"""Faster or slower, and whether that is more than noise.

Latencies near in time are alike, and those of one process are, so whole stretches of calls are
drawn, never single ones (the block bootstrap; Künsch 1989): processes where there are enough of
them, else blocks. Setups that took turns in one run are drawn together (paired): the machine's
moods cancel out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.percentiles import label
from edgefeat.bench.results import Ratio, SingleStream, Subject
from edgefeat.bench.summary import TOTAL

__all__ = ["Stretches", "kept_blocks", "paired_ratios", "ratio_of_quantiles", "stretches"]

Stretches = NDArray[np.float64] | list[NDArray[np.float64]]
"""What is drawn: rows of one length, or arrays of several."""
_SEED = 20261121  # the same report gives the same interval
_RESAMPLES = 1000
_QUANTILES = (0.5, 0.9)
_ENOUGH_PROCESSES = 5


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
        warmups = (run.process_warmup_calls, base.process_warmup_calls)
        kept = kept_blocks(run, [max(both) for both in zip(*warmups, strict=True)])
        pair = stretches(_latencies(run), kept), stretches(_latencies(base), kept)
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
    new: Stretches, base: Stretches, quantile: float, *, paired: bool
) -> tuple[float, float, float]:
    """Return the ratio of a quantile and its 95 % bootstrap interval: ratio, low, high.

    Args:
        new: Stretches of consecutive calls.
        base: The same of what it is compared with.
        quantile: Between 0 and 1.
        paired: Whether stretch i of both was measured at the same time.
    """
    rng = np.random.default_rng(_SEED)
    drawn = np.empty(_RESAMPLES)
    for i in range(_RESAMPLES):
        rows = rng.integers(len(new), size=len(new))
        base_rows = rows if paired else rng.integers(len(base), size=len(base))
        drawn[i] = _quantile(_take(new, rows), quantile) / _quantile(
            _take(base, base_rows), quantile
        )
    low, high = np.quantile(drawn, [0.025, 0.975])
    wider = _small_sample_factor(min(len(new), len(base)))
    every, every_base = (_take(one, np.arange(len(one))) for one in (new, base))
    ratio = _quantile(every, quantile) / _quantile(every_base, quantile)
    return ratio, ratio * float(low / ratio) ** wider, ratio * float(high / ratio) ** wider


def _take(drawn_from: Stretches, indices: NDArray[np.int64]) -> NDArray[np.float64]:
    if isinstance(drawn_from, np.ndarray):
        return drawn_from[indices]
    return np.concatenate([drawn_from[i] for i in indices])


def _small_sample_factor(drawn: int) -> float:
    """Return how much wider the interval must be, because few stretches vary less than they should.

    Hesterberg, "What Teachers Should Know About the Bootstrap" (2015), 5.3: Student's t for the
    normal quantile, and n - 1 for n. The quantile of t is Cornish and Fisher's expansion.
    """
    z, freedom = 1.959964, max(drawn - 1, 1)
    t = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    return t / z * math.sqrt(drawn / freedom)


def _quantile(values: NDArray[np.float64], quantile: float) -> float:
    """Return the nearest rank, which needs no full sort."""
    rank = max(math.ceil(quantile * values.size - 1e-9), 1) - 1
    return float(np.partition(values, rank, axis=None)[rank])


def kept_blocks(run: SingleStream, warmups: Sequence[int]) -> list[NDArray[np.int64]]:
    """Return which whole blocks of each process come after so many calls of warm-up."""
    ends = np.cumsum(run.process_calls) // run.block
    starts = [0, *ends[:-1]]
    return [
        np.arange(start - (-warmup // run.block), end)
        for start, warmup, end in zip(starts, warmups, ends, strict=True)
    ]


def stretches(blocks: NDArray[np.float64], kept: Sequence[NDArray[np.int64]]) -> Stretches:
    """Return what is to be drawn of a run: processes where there are enough, else blocks.

    Args:
        blocks: `(blocks, numbers)`, in order.
        kept: Indices of blocks, for each process.
    """
    if len(kept) < _ENOUGH_PROCESSES:
        return blocks[np.concatenate(kept)]
    return [blocks[one].ravel() for one in kept]


def _latencies(run: SingleStream) -> NDArray[np.float64]:
    return np.array(run.series_ms[TOTAL]).reshape(-1, run.block)
