"""Whether a run is slower than an earlier one by more than noise.

The two runs were not made at the same time, so their ratio holds the machine's own change of speed.
Each call was followed by a yardstick, a fixed piece of work (`edgefeat.bench.yardstick`). Latencies
are divided by the yardstick of their block before they are compared, which takes the machine's
change out. The yardstick follows the machine well but not perfectly, so the interval is widened by
a tenth of what was taken out. The yardstick depends on NumPy and Python; if their versions differ,
the interval also covers the ratio as it was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.load_results import SingleStream
from edgefeat.bench.results import BenchReport, Ratio, Subject
from edgefeat.bench.statistics.bootstrap import ENOUGH_PROCESSES, ratio_of_quantiles
from edgefeat.bench.statistics.compare import blocks_after_warmup
from edgefeat.bench.statistics.rules import SHOWN_WITHOUT_RULES, Rule, parse_rule
from edgefeat.bench.statistics.summary import TOTAL
from edgefeat.errors import SourceError
from edgefeat.measures.percentiles import min_samples

__all__ = ["Judgement", "Verdict", "judge"]

_YARDSTICK_ERROR = 0.1  # share of the machine's change that the yardstick may miss; measured: 0.03
_LEAST_CPU_SHARE = 0.9  # a single thread that had a CPU for less of its time was starved
_YARDSTICK_DEPENDS_ON = ("numpy", "python")
_FEWEST_CALLS = 128
_DIGITS = 4


class Verdict(StrEnum):
    """What a rule came to."""

    PASSED = "passed"
    FAILED = "FAILED"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One rule, held against one setup.

    Attributes:
        rule: The rule.
        label: What the setup is called.
        verdict: What the rule came to.
        ratio: This run over the earlier one, without the machine's own change; None if undecided.
        machine: How many times slower the machine itself has become.
        reason: Why the rule is undecided, or why a pass is not certain; else empty.
        option: The option of the benchmark that may mend what `reason` says.
    """

    rule: Rule
    label: str
    verdict: Verdict
    ratio: Ratio | None
    machine: float = 1.0
    reason: str = ""
    option: str | None = None


def judge(
    old: BenchReport, new: BenchReport, rules: Sequence[str | Rule] = SHOWN_WITHOUT_RULES
) -> list[Judgement]:
    """Hold the single stream of every setup that both reports have against every rule.

    Args:
        old: The earlier run.
        new: This run.
        rules: What must not happen, such as `p90>+10%`.

    Raises:
        SourceError: The reports are from different CPUs or pictures, or have no setup in common.
        OptionError: A text is no rule.
    """
    read = [parse_rule(rule) if isinstance(rule, str) else rule for rule in rules]
    _check_comparable(old, new)
    same_yardstick = all(
        old.machine.versions.get(name) == new.machine.versions.get(name)
        for name in _YARDSTICK_DEPENDS_ON
    )
    before = {_setup(subject): subject.single_stream for subject in old.subjects}
    pairs = [
        _Pair(
            label=subject.label,
            threads=subject.threads,
            old=earlier,
            new=now,
            same_yardstick=same_yardstick,
        )
        for subject in new.subjects
        if (now := subject.single_stream) and (earlier := before.get(_setup(subject)))
    ]
    if not pairs:
        raise SourceError(
            f"the two runs have no setup in common: the earlier run has {_names(old)}, this one "
            f"{_names(new)}",
            remedy="Measure the same models, threads and providers by single stream.",
        )
    return [_judge(rule, pair) for pair in pairs for rule in read]


def _check_comparable(old: BenchReport, new: BenchReport) -> None:
    if (old.machine.cpu, old.machine.cores) != (new.machine.cpu, new.machine.cores):
        raise SourceError(
            f"the earlier run was made on {old.machine.cpu} with {old.machine.cores} cores, this "
            f"one on {new.machine.cpu} with {new.machine.cores}",
            remedy="Compare runs of one machine.",
        )
    if (old.source, old.pictures) != (new.source, new.pictures):
        raise SourceError(
            f"the earlier run was made on {old.pictures} pictures, {old.source}, this one on "
            f"{new.pictures}, {new.source}",
            remedy="Compare runs on the same pictures, named alike.",
        )


def _setup(subject: Subject) -> tuple[object, ...]:
    """Return what makes a setup the same; the file may lie elsewhere, or hold another build."""
    options = tuple(sorted(subject.options.items()))
    return Path(subject.file).name, subject.threads, subject.providers, options


def _names(report: BenchReport) -> str:
    return "; ".join(_name(one) for one in report.subjects if one.single_stream) or "none"


def _name(subject: Subject) -> str:
    by = ", ".join(subject.providers)
    options = "".join(f", {name} {value}" for name, value in subject.options.items())
    return f"{Path(subject.file).name} on {by}, threads {subject.threads}{options}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """One setup in both runs.

    Attributes:
        label: What the setup is called.
        threads: Threads inside one inference.
        old: Single stream in the earlier run.
        new: Single stream in this run.
        same_yardstick: Whether the yardstick was the same work in both runs.
    """

    label: str
    threads: int
    old: SingleStream
    new: SingleStream
    same_yardstick: bool

    @property
    def machine(self) -> float:
        """How many times slower the machine itself has become."""
        return float(
            np.median(self.new.block_yardstick_ms) / np.median(self.old.block_yardstick_ms)
        )


def _judge(rule: Rule, pair: _Pair) -> Judgement:
    verdict, ratio = Verdict.UNDECIDED, None
    reason, option = _undecidable(rule, pair)
    if not reason:
        ratio = _ratio(rule, pair)
        limit = 1 + rule.percent / 100
        failed = ratio.ratio > limit and ratio.low > 1
        verdict = Verdict.FAILED if failed else Verdict.PASSED
        if not failed and ratio.high > limit:
            reason, option = f"+{rule.percent:g}% is not excluded; more runs may tell", "processes"
    return Judgement(
        rule=rule,
        label=pair.label,
        verdict=verdict,
        ratio=ratio,
        machine=round(pair.machine, _DIGITS),
        reason=reason,
        option=option,
    )


def _undecidable(rule: Rule, pair: _Pair) -> tuple[str, str | None]:
    """Return why a rule cannot be decided, else nothing, and which option may mend it."""
    needed = max(_FEWEST_CALLS, min_samples(rule.quantile or 0.5))
    for name, run in (("this run", pair.new), ("the earlier run", pair.old)):
        calls, processes = run.calls - run.warmup_calls, len(run.process_calls)
        if calls < needed:
            return f"needs {needed} calls after warm-up, got {calls} in {name}", "min_calls"
        if processes < ENOUGH_PROCESSES:
            return f"needs {ENOUGH_PROCESSES} processes, got {processes} in {name}", "processes"
        # CPU time does not hold the waiting for a busy CPU, and the yardstick is too short to meet
        # it often; so neither tells how much of a latency was waiting.
        if rule.quantile and pair.threads == 1 and run.cpu_share < _LEAST_CPU_SHARE:
            return f"{name} was starved: it had a CPU only {run.cpu_share:.0%} of its time", None
    return "", None


def _ratio(rule: Rule, pair: _Pair) -> Ratio:
    now, before = (_over_yardstick(run, rule) for run in (pair.new, pair.old))
    ratio, low, high = ratio_of_quantiles(now, before, rule.quantile or 0.5, paired=False)
    wider = math.exp(_YARDSTICK_ERROR * abs(math.log(pair.machine)))
    low, high = low / wider, high * wider
    if not pair.same_yardstick:
        low, high = min(low, low * pair.machine), max(high, high * pair.machine)
    return Ratio(
        label=pair.label,
        base="earlier run",
        statistic=rule.statistic,
        ratio=round(ratio, _DIGITS),
        low=round(low, _DIGITS),
        high=round(high, _DIGITS),
    )


def _over_yardstick(run: SingleStream, rule: Rule) -> list[NDArray[np.float64]]:
    """Return each process's latencies, or its blocks' CPU times, after warm-up, in yardsticks."""
    values = run.block_cpu_ms if rule.quantile is None else run.series_ms[TOTAL]
    blocks = np.array(values).reshape(len(run.block_yardstick_ms), -1)
    scaled = blocks / np.array(run.block_yardstick_ms)[:, np.newaxis]
    kept = blocks_after_warmup(run, run.process_warmup_calls)
    return [scaled[numbers].ravel() for numbers in kept]
