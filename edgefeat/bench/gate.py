"""`--fail-if`: whether a run is slower than an earlier one, by more than noise.

Two runs are never made at the same time, so the machine's own speed is in their ratio. Each run
carries a yardstick (`edgefeat.bench.yardstick`); the interval given here covers the ratio both as
measured and with the yardsticks' ratio taken out. Where the machine changed, it is wide and proves
nothing; where it did not, both agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from edgefeat.bench.compare import Blocks, ratio_of_quantiles, whole_blocks
from edgefeat.bench.percentiles import min_samples
from edgefeat.bench.results import Ratio, Report, SingleStream, Subject
from edgefeat.bench.single_stream import BLOCK
from edgefeat.errors import SourceError

__all__ = ["Judgement", "Outcome", "Rule", "judge", "parse_rule"]

_RULE = re.compile(r"\s*(p\d{1,2}(?:\.\d+)?|cpu)\s*>\s*\+?\s*(\d+(?:\.\d+)?)\s*%\s*")
_CPU = "cpu"
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
    """One rule on one setup; `reason` says why it is undecided."""

    rule: Rule
    label: str
    outcome: Outcome
    ratio: Ratio | None
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
        SourceError: The reports are of different CPUs, or have no setup in common.
    """
    if old.machine.cpu != new.machine.cpu or old.machine.cores != new.machine.cores:
        raise SourceError(
            f"the earlier run was made on {old.machine.cpu} with {old.machine.cores} cores, this "
            f"one on {new.machine.cpu} with {new.machine.cores}: compare runs of one machine."
        )
    before = {subject.label: subject for subject in old.subjects if subject.single_stream}
    common = [s for s in new.subjects if s.single_stream and s.label in before]
    if not common:
        raise SourceError(
            f"no setup in common: the earlier run has {', '.join(before) or 'none'}, this one "
            f"{', '.join(s.label for s in new.subjects)}. Measure the same models and threads."
        )
    runs = {"the earlier run": old, "this run": new}
    invalid = [name for name, report in runs.items() if report.conditions.invalid]
    unfit = f"invalid conditions in {' and '.join(invalid)}" if invalid else ""
    return [
        _judge(rule, before[subject.label], subject, unfit) for subject in common for rule in rules
    ]


def _judge(rule: Rule, old: Subject, new: Subject, unfit: str) -> Judgement:
    runs = [run for run in (new.single_stream, old.single_stream) if run]
    calls = min(run.calls - run.warmup_calls for run in runs)
    needed = max(_FEWEST_BLOCKS * BLOCK, min_samples(rule.quantile or 0.5))
    ratio = None
    if calls < needed:
        reason = f"needs {needed} calls after warm-up, got {calls}: see --calls"
    else:
        ratio = _ratio(rule, new.label, *runs)
        # CPU time does not count the waiting that a busy machine causes.
        reason = unfit if rule.quantile else ""
    if reason or ratio is None:
        outcome = Outcome.UNDECIDED
    else:
        grown = ratio.ratio > 1 + rule.percent / 100 and ratio.low > 1
        outcome = Outcome.FAILED if grown else Outcome.PASSED
    return Judgement(rule=rule, label=new.label, outcome=outcome, ratio=ratio, reason=reason)


def _ratio(rule: Rule, label: str, new: SingleStream, old: SingleStream) -> Ratio:
    if rule.quantile is None:
        quantile, now, before = 0.5, _cpu_blocks(new), _cpu_blocks(old)
    else:
        quantile = rule.quantile
        now, before = (whole_blocks(run, run.warmup_calls) for run in (new, old))
    ratio, low, high = ratio_of_quantiles(now, before, quantile, paired=False)
    machine = float(np.median(new.block_yardstick_ms) / np.median(old.block_yardstick_ms))
    return Ratio(
        label=label,
        base="earlier run",
        statistic=rule.statistic,
        ratio=round(ratio, 4),
        low=round(min(low, low / machine), 4),
        high=round(max(high, high / machine), 4),
    )


def _cpu_blocks(run: SingleStream) -> Blocks:
    """Return the blocks' CPU times after warm-up, one to a row."""
    first = -(-run.warmup_calls // run.block)
    return np.array(run.block_cpu_ms)[first:, np.newaxis]
