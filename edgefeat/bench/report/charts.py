"""The report's charts: histogram, cumulative distribution, stages, time series, fidelity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.load_results import SingleStream
from edgefeat.bench.report.svg import Plot
from edgefeat.bench.results import Subject
from edgefeat.bench.statistics.summary import TOTAL, after_warmup
from edgefeat.measures.percentiles import label

__all__ = [
    "COLOURS",
    "Fidelity",
    "fidelity",
    "histogram",
    "legend",
    "over_time",
    "shares",
    "stage_bars",
]

COLOURS = 6
"""So many colours are for setups; further setups begin again with the first."""

_MOST_BINS = 60
_CURVE_POINTS = 200
_HEADROOM = 1.2  # above the highest bar, for the names of the percentiles
_MOST_DOTS = 3000  # more dots than pixels only make the file larger
_OUTLIER_DOT_PX, _SETUP_DOT_PX = 2.2, 5.0
_LEAST_COSINE_STEP = 1e-4  # smaller differences of fidelity are not shown as a chart


def legend(names: Sequence[str]) -> str:
    """Return which setup has which colour; nothing if there is only one."""
    if len(names) < 2:
        return ""
    return _legend((name, f"c{i % COLOURS}") for i, name in enumerate(names))


def _legend(keys: Iterable[tuple[str, str]]) -> str:
    spans = (f'<span><i class="key {css}"></i>{escape(name)}</span>' for name, css in keys)
    return f'<p class="legend">{"".join(spans)}</p>'


def histogram(run: SingleStream, colour: int) -> str:
    """Return how often each latency occurred; the last bar holds all that are far beyond."""
    values = _after_warmup(run)
    high = _axis_end(values)
    bins = min(_MOST_BINS, 5 + 2 * int(len(values) ** 0.5))
    counts, edges = np.histogram(np.minimum(values, high), bins=bins, range=(values.min(), high))
    beyond = " (the last bar holds all beyond)" if values.max() > high else ""
    plot = Plot(
        (float(edges[0]), float(edges[-1])),
        (0.0, _HEADROOM * float(counts.max())),
        x_label=f"latency, ms{beyond}",
        y_label="calls",
        title="Histogram of single-stream latencies",
    )
    for count, left, right in zip(counts, edges, edges[1:], strict=False):
        hint = f"{left:.3f} to {right:.3f} ms: {count} calls"
        plot.area((float(left), float(right)), (0.0, float(count)), f"c{colour % COLOURS}", hint)
    for percentile in run.stages_ms[TOTAL].percentiles_ms:
        if percentile.value is not None and percentile.value < high:
            plot.rule(percentile.value, label(percentile.quantile))
    return plot.svg()


def shares(measured: Sequence[tuple[Subject, SingleStream]]) -> str:
    """Return the cumulative distributions: which share of the calls took at most so long."""
    series = [np.sort(_after_warmup(run)) for _, run in measured]
    plot = Plot(
        (min(float(values[0]) for values in series), max(_axis_end(values) for values in series)),
        (0.0, 100.0),
        x_label="latency, ms",
        y_label="% of calls",
        title="Cumulative distribution of single-stream latencies",
    )
    for i, values in enumerate(series):
        ranks = np.unique(np.linspace(0, len(values) - 1, _CURVE_POINTS).astype(int))
        points = [(float(values[k]), 100.0 * (k + 1) / len(values)) for k in ranks.tolist()]
        plot.line(points, f"c{i % COLOURS}")
    return plot.svg()


def stage_bars(measured: Sequence[tuple[Subject, SingleStream]]) -> str:
    """Return one bar for each setup: mean decode, resize and run, end to end, on one scale."""
    longest_ms = max(run.stages_ms[TOTAL].mean_ms for _, run in measured)
    rows = []
    for subject, run in measured:
        means_ms = {name: one.mean_ms for name, one in run.stages_ms.items() if name != TOTAL}
        parts = "".join(
            f'<span class="s{i}" style="width:{100 * mean / longest_ms:.2f}%"></span>'
            for i, mean in enumerate(means_ms.values())
        )
        figures = ", ".join(f"{stage} {mean:.2f}" for stage, mean in means_ms.items())
        total_ms = run.stages_ms[TOTAL].mean_ms
        rows.append(
            f'<div class="bar"><b>{escape(subject.label)}</b><em>{total_ms:.2f} ms</em>'
            f"<div>{parts}</div><small>{figures}</small></div>"
        )
    stages = [name for name in measured[0][1].stages_ms if name != TOTAL]
    return _legend((stage, f"s{i}") for i, stage in enumerate(stages)) + "".join(rows)


def over_time(run: SingleStream, colour: int) -> str:
    """Return every call in order; each process's warm-up is shaded, outliers are marked."""
    values = np.array(run.series_ms[TOTAL])
    low, high = float(values.min()), _axis_end(values)
    plot = Plot(
        (0.0, float(len(values))),
        (low, high),
        x_label="call",
        y_label="latency, ms",
        title="Single-stream latency over time",
    )
    starts = np.cumsum([0, *run.process_calls[:-1]]).tolist()
    for start, warmup in zip(starts, run.process_warmup_calls, strict=True):
        if warmup:
            plot.area((start, start + warmup), (low, high), "warmup", "warm-up, left out")
    outlying = values > _outlier_limit(values)
    points = list(zip(range(len(values)), values.tolist(), strict=True))
    usual = [point for point, out in zip(points, outlying, strict=True) if not out]
    plot.dots(usual[:: max(1, len(points) // _MOST_DOTS)], f"c{colour % COLOURS}")
    outliers = [point for point, out in zip(points, outlying, strict=True) if out]
    plot.dots(outliers, "outlier", _OUTLIER_DOT_PX)
    return plot.svg()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """How near each setup is to Keras, over how long it takes.

    Attributes:
        svg: The picture.
        best: How many setups no other one beats in both; with two or more they are joined by a
            dashed line.
    """

    svg: str
    best: int


def fidelity(measured: Sequence[tuple[Subject, SingleStream]]) -> Fidelity | None:
    """Return fidelity over latency; None unless two setups differ in fidelity."""
    points = {
        i: (median, subject.cosine_to_keras)
        for i, (subject, run) in enumerate(measured)
        if (median := run.stages_ms[TOTAL].percentiles_ms[0].value) is not None
        and subject.cosine_to_keras is not None
    }
    cosines = [cosine for _, cosine in points.values()]
    if not cosines or max(cosines) - min(cosines) < _LEAST_COSINE_STEP:
        return None
    room = (1.0 - min(cosines)) * 0.15
    plot = Plot(
        (0.0, max(median for median, _ in points.values()) * 1.15),
        (min(cosines) - room, 1.0 + room / 3),  # 1.0 is Keras itself; a dot there is not cut
        x_label="p50 latency, ms (left is better)",
        y_label="cosine to Keras",
        title="Fidelity over latency",
    )
    best: list[tuple[float, float]] = []
    for median, cosine in sorted(points.values(), key=lambda point: (point[0], -point[1])):
        if not best or cosine > best[-1][1]:
            best.append((median, cosine))
    if len(best) > 1:
        plot.line(best, "frontier")
    for i, point in points.items():
        plot.dots([point], f"c{i % COLOURS}", _SETUP_DOT_PX)
    return Fidelity(svg=plot.svg(), best=len(best))


def _after_warmup(run: SingleStream) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.array(run.series_ms[TOTAL])[after_warmup(run)]
    return values


def _axis_end(values: NDArray[np.float64]) -> float:
    """Return where the axis ends, so that a few outliers do not squeeze all the others."""
    usual = float(np.quantile(values, 0.99))
    return min(float(values.max()), usual + 0.5 * (usual - float(values.min())) + 1e-6)


def _outlier_limit(values: NDArray[np.float64]) -> float:
    """Return Tukey's far fence: the third quartile plus three times the quartiles' distance."""
    first, third = np.quantile(values, [0.25, 0.75])
    return float(third + 3 * (third - first))
