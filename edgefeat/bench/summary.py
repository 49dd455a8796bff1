"""Latencies become the figures of a report: percentiles, stages, warm-up left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.percentiles import QUANTILES, percentile
from edgefeat.bench.pipeline import STAGES
from edgefeat.bench.results import Latency, SingleStream
from edgefeat.bench.single_stream import BLOCK, Series
from edgefeat.bench.warmup import find_warmup

__all__ = ["TOTAL", "latency", "single_stream"]

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


def single_stream(series: Series) -> SingleStream:
    """Return the figures of a single-stream run."""
    total, cpu_s, wall_s = series.total_ms, float(series.cpu_s.sum()), float(series.wall_s.sum())
    by_name = dict(zip(STAGES, series.stages_ms.T, strict=True)) | {TOTAL: total}
    steadiness = find_warmup(total)
    kept = {name: values[steadiness.warmup :] for name, values in by_name.items()}
    return SingleStream(
        calls=len(total),
        warmup_calls=steadiness.warmup,
        steady=steadiness.steady,
        level_spread=round(steadiness.spread, 4),
        calls_per_s=round(1e3 / float(kept[TOTAL].mean()), 2),
        cpu_s_per_call=round(cpu_s / len(total), 7),
        cpu_share=round(cpu_s / wall_s, 4),
        overhead=round(1 - float(total.sum()) / 1e3 / wall_s, 6),
        stages_ms={name: latency(values) for name, values in kept.items()},
        block=BLOCK,
        block_yardstick_ms=_rounded(np.median(_blocks(series.yardstick_ns), axis=1) / 1e6),
        block_cpu_ms=_rounded(_blocks(series.cpu_s).sum(axis=1) * 1e3),
        series_ms={name: _rounded(values) for name, values in by_name.items()},
    )


def _blocks(values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(-1, BLOCK)


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(values.round(_DIGITS).tolist())
