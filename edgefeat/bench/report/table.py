"""A report as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from edgefeat.bench.gate import Judgement
from edgefeat.bench.pipeline import STAGES
from edgefeat.bench.results import (
    ColdStart,
    Latency,
    Machine,
    Ratio,
    Report,
    Server,
    SingleStream,
    Subject,
)
from edgefeat.bench.summary import TOTAL
from edgefeat.percentiles import Percentile, label

__all__ = [
    "VALID",
    "as_text",
    "judgement_line",
    "machine_lines",
    "ratio_verdict",
    "scenario_lines",
    "verdict",
]

VALID = "conditions: valid"
_MB = 1e6


def as_text(report: Report) -> str:
    """Return the whole report, ending in the verdict on its conditions."""
    lines = [*machine_lines(report.machine), f"pictures: {report.pictures}, {report.source}"]
    for subject in report.subjects:
        lines += ["", *_subject(subject)]
    if report.ratios:
        lines += ["", f"against {report.ratios[0].base} (interleaved; 95 % interval)"]
        lines += [_ratio(ratio) for ratio in report.ratios]
    return "\n".join([*lines, "", *verdict(report)]) + "\n"


def verdict(report: Report) -> list[str]:
    """Return whether the conditions were fit, and the notes on them."""
    conditions = report.conditions
    lines = [f"INVALID: {reason}" for reason in conditions.invalid]
    if lines:
        lines.append("These figures say more about the machine's state than about the models.")
    else:
        lines.append(VALID)
    return lines + [f"note: {note}" for note in conditions.notes]


def machine_lines(machine: Machine) -> list[str]:
    """Return what the machine is, and what runs on it."""
    memory = f", {machine.memory_bytes / 1e9:.0f} GB" if machine.memory_bytes else ""
    limit = machine.memory_limit_bytes
    limited = f" (limit {limit / 1e9:.1f} GB)" if limit else ""
    name = f"{machine.board}, {machine.cpu}" if machine.board else machine.cpu
    flags = ", ".join(machine.flags[-4:])
    dot = "" if machine.int8_dot else "; no int8 dot product: int8 gains less"
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    size = f"; {machine.install_bytes / _MB:.0f} MB installed" if machine.install_bytes else ""
    return [
        f"machine:  {name}, {machine.cores} cores{memory}{limited}; {flags}{dot}",
        f"software: {versions}{size}",
    ]


def _subject(subject: Subject) -> Iterator[str]:
    threads = _count(subject.threads, "thread")
    size = f"{subject.file_bytes / _MB:.1f} MB"
    providers = ", ".join(subject.providers)
    yield f"{subject.label}: {subject.precision}, {size}, {providers}, {threads}"
    if subject.single_stream:
        yield from _single(subject.single_stream)
    yield from scenario_lines(subject)


def scenario_lines(subject: Subject) -> Iterator[str]:
    """Yield a line for everything measured beside single stream."""
    if subject.cold_start:
        yield from _cold(subject.cold_start)
    load, first = subject.load_ms, subject.first_call_ms
    yield f"  in this process  load {load:.1f} ms, first call {first:.2f} ms"
    if subject.multi_stream:
        multi = subject.multi_stream
        what = f"{multi.streams} pictures a query, {_count(multi.workers, 'worker')}"
        yield f"  multi-stream     {_one_line(multi.query)} ({what})"
    if subject.server:
        yield _server(subject.server)
    if subject.offline:
        offline = subject.offline
        workers = _count(offline.workers, "worker")
        yield f"  offline          {offline.calls_per_s:.1f} pictures/s ({workers})"
    if subject.camera:
        camera = subject.camera
        yield (
            f"  camera {camera.fps:g} fps    age {_one_line(camera.age)}; "
            f"{camera.dropped} of {camera.frames} frames dropped"
        )


def _cold(cold: ColdStart) -> Iterator[str]:
    bytecode = "" if cold.bytecode else ", Python not compiled"
    yield (
        f"  cold start       {cold.total_ms:.0f} ms to the first feature: interpreter "
        f"{cold.interpreter_ms:.0f}, imports {cold.imports_ms:.0f}, load {cold.load_ms:.0f}, first "
        f"call {cold.first_call_ms:.0f} (median of {_count(cold.starts, 'start')}{bytecode})"
    )
    if cold.peak_rss_bytes and cold.steady_rss_bytes:
        peak, steady = cold.peak_rss_bytes / _MB, cold.steady_rss_bytes / _MB
        yield f"  memory           {peak:.0f} MB at the first feature, {steady:.0f} MB steady"


def _single(run: SingleStream) -> Iterator[str]:
    yield (
        f"  single stream    {run.calls_per_s:.1f} pictures/s, {1e3 * run.cpu_s_per_call:.2f} ms "
        f"CPU a picture; {run.calls} calls, {run.warmup_calls} of them warm-up and left out"
    )
    if len(run.process_calls) > 1:
        yield (
            f"    in {len(run.process_calls)} processes, whose medians are up to "
            f"{run.process_spread - 1:.1%} apart"
        )
    names = [label(p.quantile) for p in run.stages_ms[TOTAL].percentiles_ms]
    header = "".join(f"{name:>10}" for name in ("mean", *names))
    yield f"    {'ms':<8}{header}    p50's 95 % interval"
    for stage in (*STAGES, TOTAL):
        latency = run.stages_ms[stage]
        cells = "".join(f"{_value(p):>10}" for p in latency.percentiles_ms)
        yield f"    {stage:<8}{latency.mean_ms:>10.3f}{cells}    {_interval(latency)}"
    largest = run.stages_ms[TOTAL].percentiles_ms[-1]
    if largest.value is None:
        yield "    n<N: the sample is too small for this percentile, which needs N calls"


def _value(percentile: Percentile) -> str:
    return f"n<{percentile.needed}" if percentile.value is None else f"{percentile.value:.3f}"


def _interval(latency: Latency) -> str:
    median = latency.percentiles_ms[0]
    if median.low is None or median.high is None:
        return f"n<{median.needed}"
    return f"{median.low:.3f} to {median.high:.3f}"


def _one_line(latency: Latency) -> str:
    """Return the median and the highest percentile that the sample supports."""
    known = [p for p in latency.percentiles_ms if p.value is not None]
    if not known:
        return f"mean {latency.mean_ms:.2f} ms; n<{latency.percentiles_ms[0].needed}: no percentile"
    shown = dict.fromkeys((known[0], known[-1]))
    texts = ", ".join(f"{label(p.quantile)} {p.value:.2f} ms" for p in shown)
    return f"{texts}, n {latency.calls}"


def _server(server: Server) -> str:
    bound = f"{label(server.quantile)} within {server.bound_ms:g} ms"
    if server.rate_per_s is None:
        return f"  server           no rate keeps {bound} ({_count(server.workers, 'worker')})"
    return (
        f"  server           {server.rate_per_s:.1f} pictures/s at most for {bound} "
        f"(Poisson arrivals, {_count(server.workers, 'worker')})"
    )


def _ratio(ratio: Ratio) -> str:
    figures = f"{ratio.ratio:.3f}  ({ratio.low:.3f} to {ratio.high:.3f})"
    return f"  {ratio.label:<40} {ratio.statistic}  {figures}  {ratio_verdict(ratio)}"


def ratio_verdict(ratio: Ratio) -> str:
    """Return what the interval allows to say."""
    if ratio.low <= 1.0 <= ratio.high:
        return "no difference shown"
    return "slower" if ratio.ratio > 1 else "faster"


def judgement_line(judgement: Judgement, *, as_rule: bool) -> str:
    """Return what became of one rule on one setup; or just the ratio, where none was given."""
    ratio, reason = judgement.ratio, f" ({judgement.reason})" if judgement.reason else ""
    if ratio is None:
        what = judgement.rule.text if as_rule else judgement.rule.statistic
        return f"  {judgement.label:<40} {what:<10} {judgement.outcome}{reason}"
    machine = f"  [machine itself x{judgement.machine:.2f}, taken out]"
    if not as_rule:
        return _ratio(ratio) + machine
    figures = f"{ratio.ratio:.3f}  ({ratio.low:.3f} to {ratio.high:.3f})  "
    return (
        f"  {judgement.label:<40} {judgement.rule.text:<10} {figures}{judgement.outcome}{reason}"
        f"{machine}"
    )


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
