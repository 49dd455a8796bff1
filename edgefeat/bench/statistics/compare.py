"""Setups that took turns in one run: which is faster, and whether that is more than noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.load_results import SingleStream
from edgefeat.bench.results import Ratio, Subject
from edgefeat.bench.statistics.bootstrap import ENOUGH_PROCESSES, Stretches, ratio_of_quantiles
from edgefeat.bench.statistics.summary import TOTAL
from edgefeat.measures.percentiles import label

__all__ = ["blocks_after_warmup", "paired_ratios"]

_QUANTILES = (0.5, 0.9)


def paired_ratios(subjects: Sequence[Subject]) -> list[Ratio]:
    """Return the ratios of every further setup to the first one.

    Args:
        subjects: Setups whose single streams took turns. Those without one are left out.

    Returns:
        For each setup the ratios of p50 and of p90 of its single-stream latencies.
    """
    measured = [(one.label, one.single_stream) for one in subjects if one.single_stream]
    if not measured:
        return []
    (base_name, base), *others = measured
    return [
        _ratio(name, run, base_name, base, quantile)
        for name, run in others
        for quantile in _QUANTILES
    ]


def blocks_after_warmup(run: SingleStream, warmups: Sequence[int]) -> list[NDArray[np.int64]]:
    """Return the numbers of each process's whole blocks that begin after its warm-up, int64 each.

    Args:
        run: A single stream; its blocks are counted through, process after process.
        warmups: How many calls of each process are warm-up.
    """
    ends = np.cumsum(run.process_calls) // run.block
    starts = [0, *ends[:-1]]
    return [
        np.arange(start - (-warmup // run.block), end)
        for start, warmup, end in zip(starts, warmups, ends, strict=True)
    ]


def _ratio(
    name: str, run: SingleStream, base_name: str, base: SingleStream, quantile: float
) -> Ratio:
    """Return one ratio. What is warm-up for one of the two is left out of both."""
    both = zip(run.process_warmup_calls, base.process_warmup_calls, strict=True)
    kept = blocks_after_warmup(run, [max(pair) for pair in both])
    stretches, base_stretches = _stretches(run, kept), _stretches(base, kept)
    ratio, low, high = ratio_of_quantiles(stretches, base_stretches, quantile, paired=True)
    return Ratio(
        label=name,
        base=base_name,
        statistic=label(quantile),
        ratio=round(ratio, 4),
        low=round(low, 4),
        high=round(high, 4),
    )


def _stretches(run: SingleStream, kept: Sequence[NDArray[np.int64]]) -> Stretches:
    """Return what the bootstrap draws: whole processes where there are enough, else blocks."""
    blocks = np.array(run.series_ms[TOTAL]).reshape(-1, run.block)
    if len(kept) < ENOUGH_PROCESSES:
        return blocks[np.concatenate(kept)]
    return [blocks[numbers].ravel() for numbers in kept]
