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
from numpy.typing import NDArray

from edgefeat.bench.compare import kept_blocks
from edgefeat.bench.results import Ratio, Report, SingleStream, Subject
from edgefeat.bench.statistics.bootstrap import ENOUGH_PROCESSES, ratio_of_quantiles
from edgefeat.bench.summary import TOTAL
from edgefeat.errors import SourceError
from edgefeat.percentiles import min_samples

__all__ = ["Judgement", "Outcome", "Rule", "judge", "parse_rule"]

_RULE = re.compile(r"\s*(p\d{1,2}(?:\.\d+)?|cpu)\s*>\s*\+?\s*(\d+(?:\.\d+)?)\s*%\s*")
_CPU = "cpu"
_NOT_FOLLOWED = 0.1  # of the machine's change; 0.03 was measured (tests/bench/bench_honesty.py)
_STARVED = 0.9  # of its time, a single thread that never waits must be running
_YARDSTICK_PARTS = ("numpy", "python")
_FEWEST_CALLS = 128


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
    same_yardstick = all(
        old.machine.versions.get(part) == new.machine.versions.get(part)
        for part in _YARDSTICK_PARTS
    )
    before = {_setup(subject): subject.single_stream for subject in old.subjects}
    pairs = [
        _Pair(subject.label, subject.threads, was, now, same_yardstick)
        for subject in new.subjects
        if (now := subject.single_stream) and (was := before.get(_setup(subject)))
    ]
    if not pairs:
        raise SourceError(
            f"no setup in common: the earlier run has {_names(old)}, this one {_names(new)}. "
            "Measure the same models, threads and providers by single stream."
        )
    return [_judge(rule, pair) for pair in pairs for rule in rules]


def _setup(subject: Subject) -> tuple[str, int, tuple[str, ...]]:
    """Return what makes a setup the same; the file may lie elsewhere, or hold another build."""
    return Path(subject.file).name, subject.threads, subject.providers


def _names(report: Report) -> str:
    setups = [_setup(subject) for subject in report.subjects if subject.single_stream]
    shown = (f"{name} on {', '.join(by)}, threads {threads}" for name, threads, by in setups)
    return "; ".join(shown) or "none"


@dataclass(frozen=True, slots=True)
class _Pair:
    """One setup's earlier and new run."""

    label: str
    threads: int
    old: SingleStream
    new: SingleStream
    same_yardstick: bool

    @property
    def machine(self) -> float:
        """How much slower the machine itself is now."""
        return float(
            np.median(self.new.block_yardstick_ms) / np.median(self.old.block_yardstick_ms)
        )


def _judge(rule: Rule, pair: _Pair) -> Judgement:
    reason = _undecidable(rule, pair)
    outcome, ratio = Outcome.UNDECIDED, None
    if not reason:
        ratio = _ratio(rule, pair)
        limit = 1 + rule.percent / 100
        failed = ratio.ratio > limit and ratio.low > 1
        outcome = Outcome.FAILED if failed else Outcome.PASSED
        if not failed and ratio.high > limit:
            reason = f"+{rule.percent:g}% is not excluded: more --processes may tell"
    return Judgement(
        rule=rule,
        label=pair.label,
        outcome=outcome,
        ratio=ratio,
        machine=round(pair.machine, 4),
        reason=reason,
    )


def _undecidable(rule: Rule, pair: _Pair) -> str:
    """Return why a rule cannot be decided; nothing if it can."""
    needed = max(_FEWEST_CALLS, min_samples(rule.quantile or 0.5))
    for name, run in (("this run", pair.new), ("the earlier run", pair.old)):
        calls = run.calls - run.warmup_calls
        if calls < needed:
            return f"needs {needed} calls after warm-up, got {calls} in {name}: see --calls"
        if len(run.process_calls) < ENOUGH_PROCESSES:
            got = len(run.process_calls)
            return f"needs {ENOUGH_PROCESSES} processes, got {got} in {name}: see --processes"
        # Waiting for a busy CPU is no part of CPU time, and the short yardstick seldom meets it.
        if rule.quantile and pair.threads == 1 and run.cpu_share < _STARVED:
            return f"{name} was starved: it had a CPU only {run.cpu_share:.0%} of its time"
    return ""


def _ratio(rule: Rule, pair: _Pair) -> Ratio:
    now, before = (_over_yardstick(run, rule) for run in (pair.new, pair.old))
    ratio, low, high = ratio_of_quantiles(now, before, rule.quantile or 0.5, paired=False)
    wider = math.exp(_NOT_FOLLOWED * abs(math.log(pair.machine)))
    low, high = low / wider, high * wider
    if not pair.same_yardstick:
        low, high = min(low, low * pair.machine), max(high, high * pair.machine)
    return Ratio(
        label=pair.label,
        base="earlier run",
        statistic=rule.statistic,
        ratio=round(ratio, 4),
        low=round(low, 4),
        high=round(high, 4),
    )


def _over_yardstick(run: SingleStream, rule: Rule) -> list[NDArray[np.float64]]:
    """Return what each process measured after warm-up, in yardsticks: latencies, or blocks' CPU."""
    values = run.block_cpu_ms if rule.quantile is None else run.series_ms[TOTAL]
    blocks = np.array(values).reshape(len(run.block_yardstick_ms), -1)
    scaled = blocks / np.array(run.block_yardstick_ms)[:, np.newaxis]
    kept = kept_blocks(run, run.process_warmup_calls)
    return [scaled[one].ravel() for one in kept]
