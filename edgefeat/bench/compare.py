"""Setups that took turns in one run: faster or slower, and whether that is more than noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.results import Ratio, SingleStream, Subject
from edgefeat.bench.statistics.bootstrap import ENOUGH_PROCESSES, Stretches, ratio_of_quantiles
from edgefeat.bench.summary import TOTAL
from edgefeat.percentiles import label

__all__ = ["kept_blocks", "paired_ratios"]

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
        warmups = (run.process_warmup_calls, base.process_warmup_calls)
        kept = kept_blocks(run, [max(both) for both in zip(*warmups, strict=True)])
        pair = _stretches(run, kept), _stretches(base, kept)
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


def kept_blocks(run: SingleStream, warmups: Sequence[int]) -> list[NDArray[np.int64]]:
    """Return which whole blocks of each process come after so many calls of warm-up."""
    ends = np.cumsum(run.process_calls) // run.block
    starts = [0, *ends[:-1]]
    return [
        np.arange(start - (-warmup // run.block), end)
        for start, warmup, end in zip(starts, warmups, ends, strict=True)
    ]


def _stretches(run: SingleStream, kept: Sequence[NDArray[np.int64]]) -> Stretches:
    blocks = np.array(run.series_ms[TOTAL]).reshape(-1, run.block)
    if len(kept) < ENOUGH_PROCESSES:
        return blocks[np.concatenate(kept)]
    return [blocks[one].ravel() for one in kept]
