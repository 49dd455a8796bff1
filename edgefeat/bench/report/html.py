"""A report as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from edgefeat.bench.load_results import SingleStream
from edgefeat.bench.report import charts
from edgefeat.bench.report.style import STYLE
from edgefeat.bench.report.table import (
    load_lines,
    machine_lines,
    percentile_text,
    ratio_text,
    ratio_verdict,
)
from edgefeat.bench.results import BenchReport, Subject
from edgefeat.bench.statistics.summary import TOTAL
from edgefeat.measures.percentiles import Percentile, label
from edgefeat.messages.counts import counted

__all__ = ["as_html"]

_Measured = Sequence[tuple[Subject, SingleStream]]


def as_html(report: BenchReport) -> str:
    """Return the whole page."""
    names = escape(" / ".join(dict.fromkeys(subject.model for subject in report.subjects)))
    measured = [(one, one.single_stream) for one in report.subjects if one.single_stream]
    parts = [
        f"<h1>Latency of {names}</h1>",
        f'<p class="soft">edgefeat bench, {escape(report.created)}, '
        f"{counted(report.pictures, report.unit)} ({escape(report.source)})</p>",
        _conditions(report),
    ]
    if measured:
        parts += [_percentiles(measured, report.unit), _overview(measured)]
    if report.ratios:
        parts.append(_ratios(report))
    runs = {subject.label: (run, i) for i, (subject, run) in enumerate(measured)}
    parts += [
        _details(subject, report.unit, runs.get(subject.label)) for subject in report.subjects
    ]
    parts.append(_facts(report))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>edgefeat bench: {names}</title><style>{STYLE}</style>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _conditions(report: BenchReport) -> str:
    conditions = report.conditions
    kind, word = ("bad", "invalid") if conditions.invalid else ("good", "valid")
    lines = [*conditions.invalid, *(f"note: {note}" for note in conditions.notes)]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    badge = f'<span class="badge {kind}">{word}</span>'
    return f"<p>Conditions: {badge}</p>" + (f"<ul>{items}</ul>" if items else "")


def _percentiles(measured: _Measured, unit: str) -> str:
    quantiles = [one.quantile for one in measured[0][1].stages_ms[TOTAL].percentiles_ms]
    cold = any(subject.cold_start for subject, _ in measured)
    names = ["setup", f"{unit}s/s", "mean", *(label(q) for q in quantiles), "CPU"]
    rows = []
    for subject, run in measured:
        total = run.stages_ms[TOTAL]
        row = [
            escape(subject.label),
            f"{run.calls_per_s:.1f}",
            f"{total.mean_ms:.3f}",
            *(_percentile(one) for one in total.percentiles_ms),
            f"{1e3 * run.cpu_s_per_call:.2f}",
        ]
        if cold:
            row.append(f"{subject.cold_start.total_ms:.0f}" if subject.cold_start else "")
        rows.append(row)
    return (
        f"<h2>Single stream, ms</h2>{_table([*names, 'cold start'] if cold else names, rows)}"
        '<p class="soft">Below each percentile its 95 % interval. n&lt;N: the sample is too '
        "small for this percentile, which needs N calls (MLPerf's early-stopping rule).</p>"
    )


def _percentile(percentile: Percentile) -> str:
    text = escape(percentile_text(percentile))
    if percentile.low is None or percentile.high is None:
        return text
    return f"{text}<small>{percentile.low:.2f} to {percentile.high:.2f}</small>"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; on a phone every cell stands on a line of its own, with its column's name.

    Args:
        names: What the columns are called.
        rows: Cells in HTML.
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = (
        "".join(
            f'<td data-name="{escape(name, quote=True)}">{cell}</td>'
            for name, cell in zip(names, row, strict=True)
        )
        for row in rows
    )
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{cells}</tr>' for cells in body)}</table>"


def _overview(measured: _Measured) -> str:
    figures = [_figure("Share of calls within a latency", charts.shares(measured))]
    if found := charts.fidelity(measured):
        beaten = "; no setup beats those on the dashed line" if found.best > 1 else ""
        figures.append(_figure(f"Fidelity and speed{beaten}", found.svg))
    names = charts.legend([subject.label for subject, _ in measured])
    stages = _figure("Where the time goes (mean, ms)", charts.stage_bars(measured))
    return f'<h2>Overview</h2>{names}<div class="grid2">{"".join(figures)}</div>{stages}'


def _details(subject: Subject, unit: str, measured: tuple[SingleStream, int] | None) -> str:
    lines = "\n".join(line.strip() for line in load_lines(subject, unit))
    pictures = "" if measured is None else _series(*measured)
    return f"<h2>{escape(subject.label)}</h2>{pictures}<pre>{escape(lines)}</pre>"


def _series(run: SingleStream, colour: int) -> str:
    processes = len(run.process_calls)
    caption = "Call by call"
    if processes > 1:
        caption += f" in {processes} processes, one after the other"
    if run.warmup_calls:
        caption += f"; {run.warmup_calls} warm-up calls shaded"
    often = _figure("How often", charts.histogram(run, colour))
    return f'<div class="grid2">{often}{_figure(caption, charts.over_time(run, colour))}</div>'


def _figure(caption: str, picture: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{picture}</figure>"


def _ratios(report: BenchReport) -> str:
    names = ["setup", "statistic", "ratio (95 % interval)", "verdict"]
    rows = [
        [escape(cell) for cell in (one.label, one.statistic, ratio_text(one), ratio_verdict(one))]
        for one in report.ratios
    ]
    return f"<h2>Against {escape(report.ratios[0].base)}</h2>{_table(names, rows)}"


def _facts(report: BenchReport) -> str:
    conditions = report.conditions
    lines = machine_lines(report.machine)
    if conditions.load_average:
        lines.append("load: " + ", ".join(f"{load:.2f}" for load in conditions.load_average))
    if conditions.governors:
        lines.append("governor: " + ", ".join(conditions.governors))
    for zone, degrees in conditions.temperatures_c.items():
        lines.append(f"temperature: {zone} {degrees:.1f} °C")
    for subject in report.subjects:
        lines.append(f"model: {subject.label}, fingerprint {subject.fingerprint}")
    return f"<h2>Machine and software</h2><pre>{escape(chr(10).join(lines))}</pre>"
