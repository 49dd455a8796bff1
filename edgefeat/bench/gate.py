"""`--fail-if`: whether a run is slower than an earlier one, by more than noise.

Two runs are never made at the same time, so the machine's own speed is in their ratio. Each call
was followed by a yardstick (`edgefeat.bench.yardstick`): what is compared is the latencies over the
yardstick of their block, which takes the machine out. The yardstick follows the machine well, not
perfectly: the interval is widened by a tenth of what was taken out. Where the yardstick itself may
have changed, with NumPy or Python, the interval covers the ratio as measured too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from edgefeat.bench.compare import Blocks, ratio_of_quantiles, whole_blocks
from edgefeat.bench.percentiles import min_samples
from edgefeat.bench.results import Ratio, Report, SingleStream, Subject
from edgefeat.bench.single_stream import BLOCK
from edgefeat.errors import SourceError

__all__ = ["Judgement", "Outcome", "Rule", "judge", "parse_rule"]

_RULE = re.compile(r"\s*(p\d{1,2}(?:\.\d+)?|cpu)\s*>\s*\+?\s*(\d+(?:\.\d+)?)\s*%\s*")
_CPU = "cpu"
_NOT_FOLLOWED = 0.1  # of the machine's change; 0.03 was measured (tests/bench/bench_honesty.py)
_STARVED = 0.9  # of its time, a single thread that never waits must be running
_YARDSTICK_PARTS = ("numpy", "python")
_FEWEST_BLOCKS = 8  # the bootstrap draws these: fewer make its interval too narrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What must not happen: the statistic grows by more than `percent`. `quantile` None is CPU."""

    text: str
    statistic: str
    quantile: float | None
    percent: float


class Outcome(StrEnum):
    """What a rule came to."""

    PASSED = "passed"
    FAILED = "FAILED"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One rule on one setup; `reason` says why it is undecided, or how far a pass goes.

    `ratio` is without the machine's own change, `machine` is that change: above 1 is slower now.
    """

    rule: Rule
    label: str
    outcome: Outcome
    ratio: Ratio | None
    machine: float = 1.0
    reason: str = ""


def parse_rule(text: str) -> Rule:
    """Read a rule such as `p90>+10%` or `cpu>5%`.

    Raises:
        ValueError: It is none.
    """
    found = _RULE.fullmatch(text)
    quantile = None
    if found and found[1] != _CPU:
        quantile = round(float(found[1][1:]) / 100, 6)
    if found is None or quantile == 0:
        raise ValueError(
            f"expected a rule like 'p90>+10%' (p50, p90, ... or cpu, then a growth), got {text!r}"
        )
    return Rule(text=text, statistic=found[1], quantile=quantile, percent=float(found[2]))


def judge(old: Report, new: Report, rules: Sequence[Rule]) -> list[Judgement]:
    """Hold every setup that both reports have against every rule.

    Raises:
        SourceError: The reports are of different CPUs or pictures, or have no setup in common.
    """
    if old.machine.cpu != new.machine.cpu or old.machine.cores != new.machine.cores:
        raise SourceError(
            f"the earlier run was made on {old.machine.cpu} with {old.machine.cores} cores, this "
            f"one on {new.machine.cpu} with {new.machine.cores}: compare runs of one machine."
        )
    if (old.source, old.pictures) != (new.source, new.pictures):
        raise SourceError(
            f"the earlier run was made on {old.pictures} pictures, {old.source}, this one on "
            f"{new.pictures}, {new.source}: compare runs on the same pictures, named alike."
        )
    before = {_setup(subject): subject for subject in old.subjects if subject.single_stream}
    common = [s for s in new.subjects if s.single_stream and _setup(s) in before]
    if not common:
        raise SourceError(
            f"no setup in common: the earlier run has {_names(old)}, this one {_names(new)}. "
            "Measure the same models, threads and providers by single stream."
        )
    same_yardstick = all(
        old.machine.versions.get(part) == new.machine.versions.get(part)
        for part in _YARDSTICK_PARTS
    )
    return [
        _judge(rule, before[_setup(subject)], subject, same_yardstick=same_yardstick)
        for subject in common
        for rule in rules
    ]


def _setup(subject: Subject) -> tuple[str, int, tuple[str, ...]]:
    """Return what makes a setup the same; the file may lie elsewhere, or hold another build."""
    return Path(subject.file).name, subject.threads, subject.providers


def _names(report: Report) -> str:
    setups = (_setup(subject) for subject in report.subjects if subject.single_stream)
    return (
        "; ".join(f"{name} on {', '.join(by)}, threads {threads}" for name, threads, by in setups)
        or "none"
    )


def _judge(rule: Rule, old: Subject, new: Subject, *, same_yardstick: bool) -> Judgement:
    runs = [run for run in (new.single_stream, old.single_stream) if run]
    reason = _undecidable(rule, old, new)
    if reason:
        return Judgement(
            rule=rule, label=new.label, outcome=Outcome.UNDECIDED, ratio=None, reason=reason
        )
    machine = _yardstick(runs[0]) / _yardstick(runs[1])
    ratio = _ratio(rule, new.label, *runs, machine, same_yardstick=same_yardstick)
    limit = 1 + rule.percent / 100
    failed = ratio.ratio > limit and ratio.low > 1
    if not failed and ratio.high > limit:
        reason = f"+{rule.percent:g}% is not excluded: a longer --duration may tell"
    return Judgement(
        rule=rule,
        label=new.label,
        outcome=Outcome.FAILED if failed else Outcome.PASSED,
        ratio=ratio,
        machine=round(machine, 4),
        reason=reason,
    )


def _undecidable(rule: Rule, old: Subject, new: Subject) -> str:
    """Return why a rule cannot be decided; nothing if it can."""
    needed = max(_FEWEST_BLOCKS * BLOCK, min_samples(rule.quantile or 0.5))
    for name, subject in (("this run", new), ("the earlier run", old)):
        run = subject.single_stream
        if run is None:
            continue
        calls = run.calls - run.warmup_calls
        if calls < needed:
            return f"needs {needed} calls after warm-up, got {calls} in {name}: see --calls"
        # Waiting for a busy CPU is no part of CPU time, and the short yardstick seldom meets it.
        if rule.quantile and subject.threads == 1 and run.cpu_share < _STARVED:
            return f"{name} was starved: it had a CPU only {run.cpu_share:.0%} of its time"
    return ""


def _ratio(
    rule: Rule,
    label: str,
    new: SingleStream,
    old: SingleStream,
    machine: float,
    *,
    same_yardstick: bool,
) -> Ratio:
    quantile = rule.quantile or 0.5
    now, before = (_over_yardstick(run, rule) for run in (new, old))
    ratio, low, high = ratio_of_quantiles(now, before, quantile, paired=False)
    wider = math.exp(_NOT_FOLLOWED * abs(math.log(machine)))
    low, high = low / wider, high * wider
    if not same_yardstick:
        low, high = min(low, low * machine), max(high, high * machine)
    return Ratio(
        label=label,
        base="earlier run",
        statistic=rule.statistic,
        ratio=round(ratio, 4),
        low=round(low, 4),
        high=round(high, 4),
    )


def _over_yardstick(run: SingleStream, rule: Rule) -> Blocks:
    """Return the blocks after warm-up, one to a row, in yardsticks: latencies, or their CPU."""
    first = -(-run.warmup_calls // run.block)
    yardsticks = np.array(run.block_yardstick_ms)[first:, np.newaxis]
    if rule.quantile is None:
        return np.array(run.block_cpu_ms)[first:, np.newaxis] / yardsticks
    return whole_blocks(run, run.warmup_calls) / yardsticks


def _yardstick(run: SingleStream) -> float:
    return float(np.median(run.block_yardstick_ms))
