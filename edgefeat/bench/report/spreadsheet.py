"""A report as CSV: one row for each setup, load and stage."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TypeAlias

from edgefeat.bench.load_results import LatencySummary
from edgefeat.bench.results import BenchReport, Subject
from edgefeat.bench.statistics.summary import TOTAL
from edgefeat.measures.percentiles import QUANTILES, label

__all__ = ["as_csv"]

_Times: TypeAlias = LatencySummary | tuple[int, float] | None
"""Latencies; how many calls there were, and their mean in ms; or nothing."""


def as_csv(report: BenchReport) -> str:
    """Return the CSV text; what the sample does not support is an empty cell."""
    columns = ["setup", "threads", "providers", "scenario", "stage", "calls", "mean_ms"]
    for quantile in QUANTILES:
        columns += [f"{label(quantile)}_ms", f"{label(quantile)}_low", f"{label(quantile)}_high"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, "per_s", "valid"])
    valid = "no" if report.conditions.invalid else "yes"
    for subject in report.subjects:
        setup = [subject.label, subject.threads, " ".join(subject.providers)]
        for scenario, stage, latency, per_s in _measured(subject):
            writer.writerow([*setup, scenario, stage, *_cells(latency), per_s, valid])
    return text.getvalue()


def _measured(subject: Subject) -> Iterator[tuple[str, str, _Times, float | str]]:
    """Yield for each row its load, its stage, its times, and pictures or queries a second."""
    if run := subject.single_stream:
        for stage, latency in run.stages_ms.items():
            yield "single-stream", stage, latency, run.calls_per_s if stage == TOTAL else ""
    if multi := subject.multi_stream:
        yield "multi-stream", "query", multi.query, ""
    if server := subject.server:
        yield "server", "", None, "" if server.rate_per_s is None else server.rate_per_s
    if offline := subject.offline:
        yield "offline", "", None, offline.calls_per_s
    if camera := subject.camera:
        yield "camera", "age", camera.age, ""
        for cost in camera.sources:
            for stage, mean_ms in cost.stages_ms.items():
                yield "camera", f"CPU {cost.source}: {stage}", (cost.frames, mean_ms), ""


def _cells(latency: _Times) -> list[object]:
    if latency is None:
        return [""] * (2 + 3 * len(QUANTILES))
    if isinstance(latency, tuple):
        return [*latency, *[""] * (3 * len(QUANTILES))]
    cells: list[object] = [latency.calls, latency.mean_ms]
    for one in latency.percentiles_ms:
        numbers = (one.value, one.low, one.high)
        cells += ["" if number is None else number for number in numbers]
    return cells
