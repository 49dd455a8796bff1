"""A report as text for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from edgefeat.bench.load_results import FrameCost, LatencySummary, Server, SingleStream
from edgefeat.bench.pipeline import FRAME_STAGES
from edgefeat.bench.results import BenchReport, ColdStart, Ratio, Subject
from edgefeat.bench.statistics.gate import Judgement
from edgefeat.bench.statistics.summary import TOTAL
from edgefeat.bench.surroundings import Machine
from edgefeat.measures.percentiles import Percentile, label
from edgefeat.messages.counts import counted

__all__ = [
    "as_text",
    "judgement_line",
    "load_lines",
    "machine_lines",
    "percentile_text",
    "ratio_text",
    "ratio_verdict",
]

_MB, _GB = 1e6, 1e9
_MS_PER_S = 1e3


def as_text(report: BenchReport) -> str:
    """Return the whole report; whether it is to be believed stands at the end."""
    lines = [*machine_lines(report.machine), f"{report.unit}s: {report.pictures}, {report.source}"]
    for subject in report.subjects:
        lines += ["", *_subject(subject, report.unit)]
    if report.ratios:
        lines += ["", f"against {report.ratios[0].base} (taking turns; 95 % interval)"]
        lines += [_ratio_line(ratio) for ratio in report.ratios]
    return "\n".join([*lines, "", *_conditions(report)]) + "\n"


def _conditions(report: BenchReport) -> Iterator[str]:
    """Yield whether the machine was fit to be measured on, and notes."""
    conditions = report.conditions
    for reason in conditions.invalid:
        yield f"INVALID: {reason}"
    if conditions.invalid:
        yield "These figures say more about the machine's state than about the models."
    else:
        yield "conditions: valid"
    for note in conditions.notes:
        yield f"note: {note}"


def machine_lines(machine: Machine) -> list[str]:
    """Return what the machine is, and what runs on it."""
    memory = f", {machine.memory_bytes / _GB:.0f} GB" if machine.memory_bytes else ""
    limit = machine.memory_limit_bytes
    limited = f" (limit {limit / _GB:.1f} GB)" if limit else ""
    name = f"{machine.board}, {machine.cpu}" if machine.board else machine.cpu
    flags = ", ".join(machine.flags[-4:])
    dot = "" if machine.int8_dot else "; no int8 dot product: int8 gains less"
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    size = f"; {machine.install_bytes / _MB:.0f} MB installed" if machine.install_bytes else ""
    return [
        f"machine:  {name}, {counted(machine.cores, 'core')}{memory}{limited}; {flags}{dot}",
        f"software: {versions}{size}",
    ]


def _subject(subject: Subject, unit: str) -> Iterator[str]:
    threads = counted(subject.threads, "thread")
    size = f"{subject.file_bytes / _MB:.1f} MB"
    providers = ", ".join(subject.providers)
    yield f"{subject.label}: {subject.precision}, {size}, {providers}, {threads}"
    if subject.single_stream:
        yield from _single_stream(subject.single_stream, unit)
    yield from load_lines(subject, unit)


def load_lines(subject: Subject, unit: str) -> Iterator[str]:
    """Yield a line for everything that was measured beside single stream."""
    if subject.cold_start:
        yield from _cold_start(subject.cold_start)
    load, first = subject.load_ms, subject.first_call_ms
    yield f"  in this process  load {load:.1f} ms, first call {first:.2f} ms"
    if multi := subject.multi_stream:
        what = f"{counted(multi.streams, unit)} a query, {counted(multi.workers, 'worker')}"
        yield f"  multi-stream     {_one_line(multi.query)} ({what})"
    if subject.server:
        yield _server(subject.server, unit)
    if offline := subject.offline:
        workers = counted(offline.workers, "worker")
        yield f"  offline          {offline.calls_per_s:.1f} {unit}s/s ({workers})"
    if camera := subject.camera:
        yield (
            f"  {f'camera {camera.fps:g} fps':<16} age {_one_line(camera.age)}; "
            f"{camera.dropped} of {camera.frames} frames dropped"
        )
        yield from _frame_costs(camera.sources)


def _frame_costs(costs: Sequence[FrameCost]) -> Iterator[str]:
    """Yield what a frame costs by kind of source, as a table."""
    if not costs:
        return
    names = max(len(cost.source) for cost in costs)
    header = "".join(f"{name:>9}" for name in (*FRAME_STAGES, "left out", "emitted"))
    yield f"    {'CPU ms a frame':<{names}}{'size':>11}{header}"
    for cost in costs:
        if cost.grabbed_ms is None or cost.emitted_ms is None:
            yield f"    {cost.source:<{names}}  not measured: {cost.note}"
            continue
        values = [cost.stages_ms[stage] for stage in FRAME_STAGES]
        cells = "".join(f"{value:>9.2f}" for value in (*values, cost.grabbed_ms, cost.emitted_ms))
        note = f"  ({cost.note})" if cost.note else ""
        yield f"    {cost.source:<{names}}{cost.size or '':>11}{cells}{note}"
    yield "    left out: grabbed, and not wanted; video is decoded in `grab`"


def _cold_start(cold: ColdStart) -> Iterator[str]:
    bytecode = "" if cold.bytecode else ", Python not compiled"
    yield (
        f"  cold start       {cold.total_ms:.0f} ms to the first feature: interpreter "
        f"{cold.interpreter_ms:.0f}, imports {cold.imports_ms:.0f}, load {cold.load_ms:.0f}, first "
        f"call {cold.first_call_ms:.0f} (median of {counted(cold.starts, 'start')}{bytecode})"
    )
    if cold.peak_rss_bytes and cold.steady_rss_bytes:
        peak, steady = cold.peak_rss_bytes / _MB, cold.steady_rss_bytes / _MB
        yield f"  memory           {peak:.0f} MB at the first feature, {steady:.0f} MB steady"


def _single_stream(run: SingleStream, unit: str) -> Iterator[str]:
    cpu_ms = _MS_PER_S * run.cpu_s_per_call
    yield (
        f"  single stream    {run.calls_per_s:.1f} {unit}s/s, {cpu_ms:.2f} ms CPU a {unit}; "
        f"{run.calls} calls, {run.warmup_calls} of them warm-up and left out"
    )
    if len(run.process_calls) > 1:
        yield (
            f"    in {len(run.process_calls)} processes, whose medians are up to "
            f"{run.process_spread - 1:.1%} apart"
        )
    names = [label(one.quantile) for one in run.stages_ms[TOTAL].percentiles_ms]
    header = "".join(f"{name:>10}" for name in ("mean", *names))
    yield f"    {'ms':<8}{header}    p50's 95 % interval"
    for stage, found in run.stages_ms.items():
        cells = "".join(f"{percentile_text(one):>10}" for one in found.percentiles_ms)
        yield f"    {stage:<8}{found.mean_ms:>10.3f}{cells}    {_interval(found)}"
    if run.stages_ms[TOTAL].percentiles_ms[-1].value is None:
        yield "    n<N: the sample is too small for this percentile, which needs N calls"


def percentile_text(percentile: Percentile) -> str:
    """Return a percentile in ms, or how many calls it would need."""
    return f"n<{percentile.needed}" if percentile.value is None else f"{percentile.value:.3f}"


def _interval(latency: LatencySummary) -> str:
    median = latency.percentiles_ms[0]
    if median.low is None or median.high is None:
        return f"n<{median.needed}"
    return f"{median.low:.3f} to {median.high:.3f}"


def _one_line(latency: LatencySummary) -> str:
    """Return the median and the highest percentile that the sample supports."""
    known = [one for one in latency.percentiles_ms if one.value is not None]
    if not known:
        return f"mean {latency.mean_ms:.2f} ms; n<{latency.percentiles_ms[0].needed}: no percentile"
    shown = dict.fromkeys((label(one.quantile), one.value) for one in (known[0], known[-1]))
    texts = ", ".join(f"{name} {value:.2f} ms" for name, value in shown)
    return f"{texts}, n {latency.calls}"


def _server(server: Server, unit: str) -> str:
    bound = f"{label(server.quantile)} within {server.bound_ms:g} ms"
    if server.rate_per_s is None:
        return f"  server           no rate keeps {bound} ({counted(server.workers, 'worker')})"
    return (
        f"  server           {server.rate_per_s:.1f} {unit}s/s at most for {bound} "
        f"(Poisson arrivals, {counted(server.workers, 'worker')})"
    )


def _ratio_line(ratio: Ratio) -> str:
    return f"  {ratio.label:<40} {ratio.statistic}  {ratio_text(ratio)}  {ratio_verdict(ratio)}"


def ratio_text(ratio: Ratio) -> str:
    """Return the ratio with its interval."""
    return f"{ratio.ratio:.3f}  ({ratio.low:.3f} to {ratio.high:.3f})"


def ratio_verdict(ratio: Ratio) -> str:
    """Return what the interval allows to say."""
    if ratio.low <= 1.0 <= ratio.high:
        return "no difference shown"
    return "slower" if ratio.ratio > 1 else "faster"


def judgement_line(
    judgement: Judgement, *, as_rule: bool, spell: Callable[[str], str] = str
) -> str:
    """Return what a rule came to for one setup.

    Args:
        judgement: The rule, and what it came to.
        as_rule: Whether somebody gave the rule; else only the ratio is shown.
        spell: Turns an option, such as `processes`, into what the reader types.
    """
    reason, ratio = judgement.reason, judgement.ratio
    if judgement.option is not None:
        reason += f": see {spell(judgement.option)}"
    reason = f" ({reason})" if reason else ""
    if ratio is None:
        what = judgement.rule.text if as_rule else judgement.rule.statistic
        return f"  {judgement.label:<40} {what:<10} {judgement.verdict}{reason}"
    machine = f"  [machine itself x{judgement.machine:.2f}, taken out]"
    if not as_rule:
        return _ratio_line(ratio) + machine
    return (
        f"  {judgement.label:<40} {judgement.rule.text:<10} {ratio_text(ratio)}  "
        f"{judgement.verdict}{reason}{machine}"
    )
