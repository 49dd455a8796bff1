"""Latencies become the figures of a report: percentiles, stages, warm-up left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.load_results import LatencySummary, SingleStream
from edgefeat.bench.pipeline import STAGES
from edgefeat.bench.series import BLOCK, Series
from edgefeat.bench.statistics.bootstrap import ENOUGH_PROCESSES, quantile_intervals
from edgefeat.bench.statistics.warmup import MOST_SPREAD, Steadiness, find_warmup
from edgefeat.measures.percentiles import QUANTILES, percentile

__all__ = ["TOTAL", "after_warmup", "latency_summary", "single_stream"]

TOTAL = "total"
"""The key of the whole call, beside the keys of its stages."""

_DIGITS = 4  # behind the point, in milliseconds: the clock is good for a tenth of a microsecond
_CPU_DIGITS = 7  # behind the point, in seconds
_MS_PER_S = 1e3
_NS_PER_MS = 1e6


def latency_summary(values_ms: NDArray[np.float64]) -> LatencySummary:
    """Return the figures of a sample of latencies.

    Args:
        values_ms: Latencies, float64 `(calls,)`, at least one.
    """
    ascending = np.sort(values_ms).round(_DIGITS).tolist()
    return LatencySummary(
        calls=len(ascending),
        mean_ms=round(float(values_ms.mean()), _DIGITS),
        min_ms=ascending[0],
        max_ms=ascending[-1],
        percentiles_ms=tuple(percentile(ascending, quantile) for quantile in QUANTILES),
    )


def single_stream(series: Sequence[Series]) -> SingleStream:
    """Return the figures of a single stream.

    Args:
        series: What one setup measured in each process, in the order of the processes.
    """
    settled = [find_warmup(one.total_ms) for one in series]
    by_name = _by_name(series)
    kept = {name: _after_warmup(values, settled) for name, values in by_name.items()}
    whole = {name: np.concatenate(values) for name, values in by_name.items()}
    spread = _spread_of_medians(kept[TOTAL])
    spent = _Spent.of(series)
    return SingleStream(
        calls=spent.calls,
        warmup_calls=sum(how.warmup for how in settled),
        process_calls=tuple(len(one.cpu_s) for one in series),
        process_warmup_calls=tuple(how.warmup for how in settled),
        process_spread=round(spread, 4),
        steady=all(how.steady for how in settled) and spread <= MOST_SPREAD,
        level_spread=round(max(spread, *(how.spread for how in settled)), 4),
        calls_per_s=round(_MS_PER_S / float(np.concatenate(kept[TOTAL]).mean()), 2),
        cpu_s_per_call=round(spent.cpu_s / spent.calls, _CPU_DIGITS),
        cpu_share=round(spent.cpu_s / spent.wall_s, 4),
        overhead=round(1 - float(whole[TOTAL].sum()) / _MS_PER_S / spent.wall_s, 6),
        stages_ms={name: _over_processes(values) for name, values in kept.items()},
        block=BLOCK,
        block_yardstick_ms=spent.block_yardstick_ms,
        block_cpu_ms=spent.block_cpu_ms,
        series_ms={name: _rounded(values) for name, values in whole.items()},
    )


def after_warmup(run: SingleStream) -> NDArray[np.bool_]:
    """Return for each call of a run whether it came after warm-up: bool `(calls,)`."""
    parts = zip(run.process_calls, run.process_warmup_calls, strict=True)
    return np.concatenate([np.arange(calls) >= warmup for calls, warmup in parts])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    """Wall and CPU time of all calls, warm-up included, and both by blocks.

    Attributes:
        calls: How many calls were made.
        wall_s: Wall time of all calls.
        cpu_s: CPU time of all calls.
        block_yardstick_ms: Median of the yardstick in each block.
        block_cpu_ms: CPU time of each block.
    """

    calls: int
    wall_s: float
    cpu_s: float
    block_yardstick_ms: tuple[float, ...]
    block_cpu_ms: tuple[float, ...]

    @classmethod
    def of(cls, series: Sequence[Series]) -> _Spent:
        """Add up what every process spent."""
        cpu_s = np.concatenate([one.cpu_s for one in series])
        yardstick_ns = np.concatenate([one.yardstick_ns for one in series])
        return cls(
            calls=len(cpu_s),
            wall_s=float(sum(one.wall_s.sum() for one in series)),
            cpu_s=float(cpu_s.sum()),
            block_yardstick_ms=_rounded(np.median(_blocks(yardstick_ns), axis=1) / _NS_PER_MS),
            block_cpu_ms=_rounded(_blocks(cpu_s).sum(axis=1) * _MS_PER_S),
        )


def _by_name(series: Sequence[Series]) -> dict[str, list[NDArray[np.float64]]]:
    """Return the latencies in ms of each stage and of the whole call, process by process."""
    stages = list(zip(*(one.stages_ms.T for one in series), strict=True))
    names = STAGES if stages else ()
    by_name = {name: list(of_all) for name, of_all in zip(names, stages, strict=True)}
    return by_name | {TOTAL: [one.total_ms for one in series]}


def _after_warmup(
    processes_ms: Sequence[NDArray[np.float64]], settled: Sequence[Steadiness]
) -> list[NDArray[np.float64]]:
    """Return each process's latencies without the calls that were its warm-up."""
    return [values[how.warmup :] for values, how in zip(processes_ms, settled, strict=True)]


def _spread_of_medians(processes_ms: Sequence[NDArray[np.float64]]) -> float:
    """Return the median of the slowest process over that of the fastest."""
    medians = [float(np.median(values)) for values in processes_ms]
    return max(medians) / min(medians)


def _over_processes(processes_ms: Sequence[NDArray[np.float64]]) -> LatencySummary:
    """Return the figures of all processes; if they are enough, intervals hold their differences."""
    found = latency_summary(np.concatenate(processes_ms))
    if len(processes_ms) < ENOUGH_PROCESSES:
        return found
    known = [one for one in found.percentiles_ms if one.value is not None]
    intervals = quantile_intervals(processes_ms, [one.quantile for one in known])
    wider = [
        replace(one, low=round(low, _DIGITS), high=round(high, _DIGITS))
        for one, (low, high) in zip(known, intervals, strict=True)
    ]
    return replace(found, percentiles_ms=(*wider, *found.percentiles_ms[len(known) :]))


def _blocks(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(-1, BLOCK)


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.round(_DIGITS).tolist())
