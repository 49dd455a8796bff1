"""Latencies become the figures of a report: percentiles, stages, warm-up left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.percentiles import QUANTILES, percentile
from edgefeat.bench.pipeline import STAGES
from edgefeat.bench.results import Latency, SingleStream
from edgefeat.bench.single_stream import BLOCK, Series
from edgefeat.bench.warmup import find_warmup

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
    totals = [one.total_ms for one in series]
    settled = [find_warmup(total) for total in totals]
    medians = [
        float(np.median(total[how.warmup :])) for total, how in zip(totals, settled, strict=True)
    ]
    calls, warmup = [len(total) for total in totals], [how.warmup for how in settled]
    kept = _after_warmup(calls, warmup)
    clock, yardstick, wall, cpu = (
        np.concatenate([getattr(one, name) for one in series])
        for name in ("clock_ns", "yardstick_ns", "wall_s", "cpu_s")
    )
    joined = Series(clock_ns=clock, yardstick_ns=yardstick, wall_s=wall, cpu_s=cpu)
    total, cpu_s, wall_s = joined.total_ms, float(cpu.sum()), float(wall.sum())
    by_name = dict(zip(STAGES, joined.stages_ms.T, strict=True)) | {TOTAL: total}
    return SingleStream(
        calls=len(total),
        warmup_calls=sum(warmup),
        process_calls=tuple(calls),
        process_warmup_calls=tuple(warmup),
        process_spread=round(max(medians) / min(medians), 4),
        steady=all(how.steady for how in settled),
        level_spread=round(max(how.spread for how in settled), 4),
        calls_per_s=round(1e3 / float(total[kept].mean()), 2),
        cpu_s_per_call=round(cpu_s / len(total), 7),
        cpu_share=round(cpu_s / wall_s, 4),
        overhead=round(1 - float(total.sum()) / 1e3 / wall_s, 6),
        stages_ms={name: latency(values[kept]) for name, values in by_name.items()},
        block=BLOCK,
        block_yardstick_ms=_rounded(np.median(_blocks(yardstick), axis=1) / 1e6),
        block_cpu_ms=_rounded(_blocks(cpu).sum(axis=1) * 1e3),
        series_ms={name: _rounded(values) for name, values in by_name.items()},
    )


def after_warmup(run: SingleStream) -> NDArray[np.bool_]:
    """Return which calls are no warm-up: `(calls,)`."""
    return _after_warmup(run.process_calls, run.process_warmup_calls)


def _after_warmup(calls: Sequence[int], warmup: Sequence[int]) -> NDArray[np.bool_]:
    return np.concatenate([np.arange(n) >= first for n, first in zip(calls, warmup, strict=True)])


def _blocks(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(-1, BLOCK)


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.round(_DIGITS).tolist())
