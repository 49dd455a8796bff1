"""The report's charts: histogram, cumulative distribution, stages, time series, front."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.pipeline import STAGES
from edgefeat.bench.report.svg import Plot
from edgefeat.bench.results import SingleStream, Subject
from edgefeat.bench.summary import TOTAL, after_warmup
from edgefeat.percentiles import label

__all__ = ["front", "histogram", "legend", "over_time", "shares", "stage_bars"]

_BINS = 60
_STAGE_COLOUR = 3  # the first colours are the setups'
_CURVE_POINTS = 200


def legend(names: Sequence[str], first: int = 0) -> str:
    """Return which colour is what."""
    keys = (
        f'<span><i class="key c{i % 6}"></i>{escape(name)}</span>'
        for i, name in enumerate(names, first)
    )
    return f'<p class="legend">{"".join(keys)}</p>'


def histogram(run: SingleStream, colour: int) -> str:
    """Return how often each latency occurred, up to the largest supported percentile's reach."""
    values = _steady(run)
    high = _shown_up_to(values)
    bins = min(_BINS, 5 + 2 * int(len(values) ** 0.5))
    counts, edges = np.histogram(np.minimum(values, high), bins=bins, range=(values.min(), high))
    plot = Plot(
        (float(edges[0]), float(edges[-1])),
        (0.0, float(counts.max())),
        x_label="latency, ms (the last bar holds all beyond)",
        y_label="calls",
        title="Histogram of single-stream latencies",
    )
    for count, left, right in zip(counts, edges, edges[1:], strict=False):
        hint = f"{left:.3f} to {right:.3f} ms: {count} calls"
        plot.area((float(left), float(right)), (0.0, float(count)), f"c{colour % 6}", hint)
    for percentile in run.stages_ms[TOTAL].percentiles_ms:
        if percentile.value is not None and percentile.value < high:
            plot.rule(percentile.value, label(percentile.quantile))
    return plot.svg()


def shares(subjects: Sequence[tuple[Subject, SingleStream]]) -> str:
    """Return the cumulative distributions: which share of calls took at most so long."""
    series = [np.sort(_steady(run)) for _, run in subjects]
    low = min(float(values[0]) for values in series)
    high = max(_shown_up_to(values) for values in series)
    plot = Plot(
        (low, high),
        (0.0, 100.0),
        x_label="latency, ms",
        y_label="% of calls",
        title="Cumulative distribution of single-stream latencies",
    )
    for i, values in enumerate(series):
        ranks = np.unique(np.linspace(0, len(values) - 1, _CURVE_POINTS).astype(int))
        points = [(float(values[k]), 100.0 * (k + 1) / len(values)) for k in ranks.tolist()]
        plot.line(points, f"c{i % 6}")
    return plot.svg()


def stage_bars(subjects: Sequence[tuple[Subject, SingleStream]]) -> str:
    """Return one bar a setup: mean decode, resize and run, one after the other."""
    longest = max(run.stages_ms[TOTAL].mean_ms for _, run in subjects)
    rows = []
    for subject, run in subjects:
        parts = []
        for i, stage in enumerate(STAGES):
            mean = run.stages_ms[stage].mean_ms
            width = 100 * mean / longest
            text = f"{mean:.2f}" if width > 8 else ""
            parts.append(
                f'<span class="c{i + _STAGE_COLOUR}" style="width:{width:.2f}%" '
                f'title="{stage} {mean:.3f} ms">{text}</span>'
            )
        total = f"{run.stages_ms[TOTAL].mean_ms:.2f} ms"
        rows.append(
            f'<div class="bar"><b>{escape(subject.label)}</b>'
            f"<div>{''.join(parts)}</div><em>{total}</em></div>"
        )
    return legend(STAGES, _STAGE_COLOUR) + "".join(rows)


def over_time(run: SingleStream, colour: int) -> str:
    """Return every call in order; each process's warm-up is shaded, outliers are marked."""
    values = np.array(run.series_ms[TOTAL])
    high = _shown_up_to(values)
    plot = Plot(
        (0.0, float(len(values))),
        (float(values.min()), high),
        x_label="call",
        y_label="latency, ms",
        title="Single-stream latency over time",
    )
    starts = np.cumsum([0, *run.process_calls[:-1]]).tolist()
    for start, warmup in zip(starts, run.process_warmup_calls, strict=True):
        if warmup:
            whole = (float(values.min()), high)
            plot.area((start, start + warmup), whole, "warmup", "warm-up, left out")
    outlying = values > _outlier_limit(values)
    points = list(zip(range(len(values)), values.tolist(), strict=True))
    step = max(1, len(points) // 3000)  # more dots than pixels only make the file larger
    usual = [point for point, out in zip(points, outlying, strict=True) if not out]
    plot.dots(usual[::step], f"c{colour % 6}")
    plot.dots([point for point, out in zip(points, outlying, strict=True) if out], "outlier", 2.2)
    return plot.svg()


def front(subjects: Sequence[tuple[Subject, SingleStream]]) -> str | None:
    """Return fidelity over latency with the setups that no other beats; None without both."""
    found = [
        (i, (run.stages_ms[TOTAL].percentiles_ms[0].value, subject.cosine_to_keras))
        for i, (subject, run) in enumerate(subjects)
    ]
    known = [(i, (x, y)) for i, (x, y) in found if x is not None and y is not None]
    if len(known) < 2:
        return None
    xs, ys = [x for _, (x, _) in known], [y for _, (_, y) in known]
    room = max(max(ys) - min(ys), 1e-4) * 0.15
    plot = Plot(
        (0.0, max(xs) * 1.15),
        (min(ys) - room, max(ys) + room),
        x_label="p50 latency, ms: left is better",
        y_label="cosine to Keras",
        title="Fidelity over latency",
    )
    best: list[tuple[float, float]] = []
    for x, y in sorted((point for _, point in known), key=lambda point: (point[0], -point[1])):
        if not best or y > best[-1][1]:
            best.append((x, y))
    plot.line(best, "frontier")
    for i, (x, y) in known:
        plot.dots([(x, y)], f"c{i % 6}", 5)
    return plot.svg()


def _steady(run: SingleStream) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.array(run.series_ms[TOTAL])[after_warmup(run)]
    return values


def _shown_up_to(values: NDArray[np.float64]) -> float:
    """Return where the axis ends: a few outliers must not squeeze all the others."""
    usual = float(np.quantile(values, 0.99))
    return min(float(values.max()), usual + 0.5 * (usual - float(values.min())) + 1e-6)


def _outlier_limit(values: NDArray[np.float64]) -> float:
    """Return Tukey's far fence: the third quartile plus three times the quartiles' distance."""
    first, third = np.quantile(values, [0.25, 0.75])
    return float(third + 3 * (third - first))
