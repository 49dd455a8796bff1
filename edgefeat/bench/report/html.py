"""A report as one HTML file that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from edgefeat.bench.report import charts
from edgefeat.bench.report.table import VALID, machine_lines, ratio_verdict, scenario_lines, verdict
from edgefeat.bench.results import Report, SingleStream, Subject
from edgefeat.bench.summary import TOTAL
from edgefeat.percentiles import Percentile, label

__all__ = ["as_html"]

_STYLE = """
:root { color-scheme: light dark; --back:#fff; --ink:#1c2430; --soft:#5b6675; --line:#dfe4ea;
  --panel:#f6f8fa; --bad:#b3261e; --good:#1b7a43;
  --c0:#2f6fde; --c1:#d97a1d; --c2:#23945f; --c3:#a04bb8; --c4:#c23b4b; --c5:#5d7285; }
@media (prefers-color-scheme: dark) { :root { --back:#12161c; --ink:#e4e9ef; --soft:#9aa6b4;
  --line:#2b333d; --panel:#1a2028; --bad:#ff8a80; --good:#69d394;
  --c0:#6ea4ff; --c1:#f2a65a; --c2:#5cc998; --c3:#cf8fe3; --c4:#f2808d; --c5:#9db2c6; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; background: var(--back);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .2rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
h3 { font-size: .95rem; margin: 1rem 0 .3rem; color: var(--soft); font-weight: 600 }
p, ul { margin: .3rem 0 } .soft { color: var(--soft); font-size: .87rem }
.badge { display: inline-block; padding: .05rem .6rem; border-radius: 1rem; font-weight: 600;
  border: 1px solid currentColor } .bad { color: var(--bad) } .good { color: var(--good) }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap } th:first-child, td:first-child { text-align: left }
th { color: var(--soft); font-weight: 600 } td small { color: var(--soft); display: block }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr));
  gap: 1rem } figure { margin: 0; padding: .8rem; background: var(--panel); border-radius: .5rem }
figcaption { font-weight: 600; margin-bottom: .3rem }
svg { width: 100%; height: auto; display: block; font: 11px system-ui, sans-serif }
svg text { fill: var(--soft) } svg .note { fill: var(--ink); paint-order: stroke;
  stroke: var(--panel); stroke-width: 3px } .grid { stroke: var(--line) }
.line { fill: none; stroke-width: 2 } .rule { stroke: var(--ink); stroke-dasharray: 3 3 }
.frontier { stroke: var(--soft); stroke-dasharray: 5 4 } .dots { opacity: .75 }
.warmup { fill: var(--c1); opacity: .2 } .dots.outlier { fill: var(--bad); opacity: 1 }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .87rem }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem;
  margin-right: .35rem; vertical-align: -.08rem }
.bar { display: grid; grid-template-columns: minmax(8rem, 18rem) 1fr 5.5rem; gap: .6rem;
  margin: .35rem 0; align-items: center } .bar b { font-weight: 500; overflow-wrap: anywhere }
.bar div { display: flex; height: 1.5rem } .bar em { font-style: normal; text-align: right }
.bar span { color: var(--back); font-size: .8rem; text-align: center; overflow: hidden }
pre { white-space: pre-wrap; font-size: .82rem; color: var(--soft); margin: .3rem 0 }
""" + "\n".join(
    f"i.c{i}, .bar .c{i} {{ background: var(--c{i}) }} "
    f".area.c{i}, .dots.c{i} {{ fill: var(--c{i}) }} .line.c{i} {{ stroke: var(--c{i}) }}"
    for i in range(6)
)


def as_html(report: Report) -> str:
    """Return the whole page."""
    names = " / ".join(dict.fromkeys(subject.model for subject in report.subjects))
    measured = [(s, s.single_stream) for s in report.subjects if s.single_stream]
    parts = [
        f"<h1>Latency of {escape(names)}</h1>",
        f'<p class="soft">edgefeat bench, {escape(report.created)}, {report.pictures} pictures '
        f"({escape(report.source)})</p>",
        _verdict(report),
    ]
    if measured:
        parts += [_table(measured), _overview(measured)]
    if report.ratios:
        parts.append(_ratios(report))
    for i, (subject, run) in enumerate(measured):
        parts.append(_details(subject, run, i))
    parts.append(_facts(report))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>edgefeat bench: {escape(names)}</title><style>{_STYLE}</style>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _verdict(report: Report) -> str:
    bad = bool(report.conditions.invalid)
    kind, word = ("bad", "invalid") if bad else ("good", "valid")
    badge = f'<span class="badge {kind}">{word}</span>'
    lines = [line for line in verdict(report) if line != VALID]
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<p>Conditions: {badge}</p>" + (f"<ul>{items}</ul>" if items else "")


def _table(measured: Sequence[tuple[Subject, SingleStream]]) -> str:
    quantiles = [p.quantile for p in measured[0][1].stages_ms[TOTAL].percentiles_ms]
    header = _row(
        ["setup", "pictures/s", "mean", *(label(q) for q in quantiles), "CPU", "cold start"], "th"
    )
    rows = []
    for subject, run in measured:
        total = run.stages_ms[TOTAL]
        cold = subject.cold_start
        rows.append(
            _row(
                [
                    escape(subject.label),
                    f"{run.calls_per_s:.1f}",
                    f"{total.mean_ms:.3f}",
                    *(_cell(p) for p in total.percentiles_ms),
                    f"{1e3 * run.cpu_s_per_call:.2f}",
                    f"{cold.total_ms:.0f}" if cold else "",
                ]
            )
        )
    return (
        f'<h2>Single stream, ms</h2><div class="wide"><table>{header}{"".join(rows)}</table></div>'
        '<p class="soft">Below each percentile its 95 % interval. n &lt; N: the sample is too '
        "small for this percentile, which needs N calls (MLPerf's early-stopping rule).</p>"
    )


def _cell(percentile: Percentile) -> str:
    if percentile.value is None:
        return f"n &lt; {percentile.needed}"
    if percentile.low is None or percentile.high is None:
        return f"{percentile.value:.3f}"
    return f"{percentile.value:.3f}<small>{percentile.low:.2f} to {percentile.high:.2f}</small>"


def _row(cells: Iterable[str], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"


def _overview(measured: Sequence[tuple[Subject, SingleStream]]) -> str:
    names = [subject.label for subject, _ in measured]
    figures = [("Share of calls within a latency", charts.shares(measured))]
    if front := charts.front(measured):
        figures.append(("Fidelity and speed: the dashed front is beaten by none", front))
    drawn = "".join(_figure(caption, picture) for caption, picture in figures)
    stages = _figure("Where the time goes (mean)", charts.stage_bars(measured))
    return f'<h2>Overview</h2>{charts.legend(names)}<div class="grid2">{drawn}</div><p></p>{stages}'


def _details(subject: Subject, run: SingleStream, colour: int) -> str:
    warmup = f"; {run.warmup_calls} warm-up calls shaded" if run.warmup_calls else ""
    processes = len(run.process_calls)
    turns = f" in {processes} processes, one after the other" if processes > 1 else ""
    charts_html = _figure("How often", charts.histogram(run, colour)) + _figure(
        f"Call by call{turns}{warmup}; outliers marked", charts.over_time(run, colour)
    )
    lines = "\n".join(scenario_lines(subject))
    return (
        f'<h2>{escape(subject.label)}</h2><div class="grid2">{charts_html}</div>'
        f"<pre>{escape(lines)}</pre>"
    )


def _figure(caption: str, picture: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{picture}</figure>"


def _ratios(report: Report) -> str:
    rows = [_row(["setup", "", "ratio", "95 % interval", ""], "th")]
    for ratio in report.ratios:
        interval = f"{ratio.low:.3f} to {ratio.high:.3f}"
        cells = [ratio.label, ratio.statistic, f"{ratio.ratio:.3f}", interval, ratio_verdict(ratio)]
        rows.append(_row(map(escape, cells)))
    base = escape(report.ratios[0].base)
    return f'<h2>Against {base}</h2><div class="wide"><table>{"".join(rows)}</table></div>'


def _facts(report: Report) -> str:
    lines = machine_lines(report.machine)
    conditions = report.conditions
    if conditions.load_average:
        lines.append("load:     " + ", ".join(f"{load:.2f}" for load in conditions.load_average))
    if conditions.governors:
        lines.append("governor: " + ", ".join(conditions.governors))
    for zone, degrees in conditions.temperatures_c.items():
        lines.append(f"heat:     {zone} {degrees:.1f} °C")
    for subject in report.subjects:
        lines.append(f"model:    {subject.label}, fingerprint {subject.fingerprint}")
    return f"<h2>Machine and software</h2><pre>{escape(chr(10).join(lines))}</pre>"
