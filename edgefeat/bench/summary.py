"""Latencies become the figures of a report: percentiles, stages, warm-up left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.pipeline import STAGES
from edgefeat.bench.results import Latency, SingleStream
from edgefeat.bench.single_stream import BLOCK, Series
from edgefeat.bench.statistics.bootstrap import ENOUGH_PROCESSES, quantile_intervals
from edgefeat.bench.statistics.warmup import UNSTEADY, find_warmup
from edgefeat.percentiles import QUANTILES, percentile

__all__ = ["TOTAL", "after_warmup", "latency", "single_stream"]

TOTAL = "total"
_DIGITS = 4  # of a millisecond: a tenth of a microsecond, what the clock is good for


def latency(values_ms: NDArray[np.float64]) -> Latency:
    """Return the figures of a sample of latencies in ms: `(n,)`, at least one."""
    ascending = np.sort(values_ms).round(_DIGITS).tolist()
    return Latency(
        calls=len(ascending),
        mean_ms=round(float(values_ms.mean()), _DIGITS),
        min_ms=ascending[0],
        max_ms=ascending[-1],
        percentiles_ms=tuple(percentile(ascending, quantile) for quantile in QUANTILES),
    )


def single_stream(series: Sequence[Series]) -> SingleStream:
    """Return the figures of a single-stream run: of one process, or of several in turn."""
    settled = [find_warmup(one.total_ms) for one in series]
    kept = {
        name: [values[how.warmup :] for values, how in zip(of_processes, settled, strict=True)]
        for name, of_processes in _by_name(series).items()
    }
    medians = [float(np.median(values)) for values in kept[TOTAL]]
    spread = max(medians) / min(medians)
    whole = {name: np.concatenate(values) for name, values in _by_name(series).items()}
    cpu, wall, yardstick = (
        np.concatenate([getattr(one, name) for one in series])
        for name in ("cpu_s", "wall_s", "yardstick_ns")
    )
    cpu_s, wall_s, calls = float(cpu.sum()), float(wall.sum()), len(cpu)
    return SingleStream(
        calls=calls,
        warmup_calls=sum(how.warmup for how in settled),
        process_calls=tuple(len(one.cpu_s) for one in series),
        process_warmup_calls=tuple(how.warmup for how in settled),
        process_spread=round(spread, 4),
        steady=all(how.steady for how in settled) and spread <= UNSTEADY,
        level_spread=round(max(spread, *(how.spread for how in settled)), 4),
        calls_per_s=round(1e3 / float(np.concatenate(kept[TOTAL]).mean()), 2),
        cpu_s_per_call=round(cpu_s / calls, 7),
        cpu_share=round(cpu_s / wall_s, 4),
        overhead=round(1 - float(whole[TOTAL].sum()) / 1e3 / wall_s, 6),
        stages_ms={name: _latency_over_processes(values) for name, values in kept.items()},
        block=BLOCK,
        block_yardstick_ms=_rounded(np.median(_blocks(yardstick), axis=1) / 1e6),
        block_cpu_ms=_rounded(_blocks(cpu).sum(axis=1) * 1e3),
        series_ms={name: _rounded(values) for name, values in whole.items()},
    )


def _by_name(series: Sequence[Series]) -> dict[str, list[NDArray[np.float64]]]:
    """Return the latencies in ms of each stage and of the whole, process by process."""
    stages = zip(*(one.stages_ms.T for one in series), strict=True)
    by_name = {name: list(of_all) for name, of_all in zip(STAGES, stages, strict=True)}
    return by_name | {TOTAL: [one.total_ms for one in series]}


def _latency_over_processes(values_ms: Sequence[NDArray[np.float64]]) -> Latency:
    """Return the figures of all processes; their differences are in the intervals, if enough."""
    found = latency(np.concatenate(values_ms))
    if len(values_ms) < ENOUGH_PROCESSES:
        return found
    known = [one for one in found.percentiles_ms if one.value is not None]
    intervals = quantile_intervals(values_ms, [one.quantile for one in known])
    wider = [
        replace(one, low=round(low, _DIGITS), high=round(high, _DIGITS))
        for one, (low, high) in zip(known, intervals, strict=True)
    ]
    return replace(found, percentiles_ms=(*wider, *found.percentiles_ms[len(known) :]))


def after_warmup(run: SingleStream) -> NDArray[np.bool_]:
    """Return which calls are no warm-up: `(calls,)`."""
    parts = zip(run.process_calls, run.process_warmup_calls, strict=True)
    return np.concatenate([np.arange(calls) >= warmup for calls, warmup in parts])


def _blocks(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(-1, BLOCK)


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.round(_DIGITS).tolist())
