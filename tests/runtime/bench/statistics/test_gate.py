"""This run against an earlier one, on latencies whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from edgefeat.bench import BenchReport
from edgefeat.bench.statistics.gate import Verdict, judge
from edgefeat.errors import SourceError
from known_runs import lucky_or_not, noisy, report, subject


def verdict(old: BenchReport, new: BenchReport, rule: str) -> Verdict:
    (judgement,) = judge(old, new, [rule])
    return judgement.verdict


def test_gate_tells_slower_from_equal() -> None:
    rng = np.random.default_rng(7)
    caught = flagged = 0
    for _ in range(10):
        old, equal = report(noisy(rng, 2.0, 320)), report(noisy(rng, 2.0, 320))
        flagged += verdict(old, equal, "p50>0%") is Verdict.FAILED
        caught += verdict(old, report(noisy(rng, 2.2, 320)), "p50>+5%") is Verdict.FAILED
    assert caught == 10
    assert flagged <= 1


def test_gate_allows_for_processes_of_one_build_that_differ() -> None:
    rng = np.random.default_rng(7)
    caught = flagged = 0
    for _ in range(12):
        old, equal = (report(lucky_or_not(rng, 2.0)) for _ in range(2))
        flagged += verdict(old, equal, "p50>0%") is Verdict.FAILED
        slower = report(lucky_or_not(rng, 2.3))
        caught += verdict(old, slower, "p50>+5%") is Verdict.FAILED
    assert caught >= 11
    assert flagged <= 1


def test_gate_blames_the_machine_where_its_yardstick_got_slower() -> None:
    rng = np.random.default_rng(7)
    old = report(noisy(rng, 2.0, 800), yardstick_ms=0.1)
    new = report(noisy(rng, 2.6, 800), yardstick_ms=0.13)
    assert verdict(old, new, "p50>+5%") is Verdict.PASSED


def test_gate_sees_a_slower_build_on_a_machine_that_got_faster() -> None:
    rng = np.random.default_rng(7)
    old = report(noisy(rng, 2.6, 800), yardstick_ms=0.13)
    new = report(noisy(rng, 2.2, 800), yardstick_ms=0.1)
    (judgement,) = judge(old, new, ["p50>+5%"])
    assert judgement.verdict is Verdict.FAILED
    assert judgement.ratio is not None
    assert judgement.ratio.ratio == pytest.approx(1.1, rel=0.02)
    assert judgement.machine == pytest.approx(0.1 / 0.13, rel=1e-3)


def test_gate_does_not_trust_another_yardstick() -> None:
    rng = np.random.default_rng(7)
    old = report(noisy(rng, 2.6, 800), yardstick_ms=0.13)
    new = report(noisy(rng, 2.2, 800), yardstick_ms=0.1)
    versions = {**new.machine.versions, "numpy": "another"}
    new = replace(new, machine=replace(new.machine, versions=versions))
    assert verdict(old, new, "p50>+5%") is Verdict.PASSED


def test_growth_below_the_threshold_passes() -> None:
    rng = np.random.default_rng(7)
    old, new = report(noisy(rng, 2.0, 800)), report(noisy(rng, 2.1, 800))
    assert verdict(old, new, "p50>+10%") is Verdict.PASSED
    assert verdict(old, new, "cpu>+2%") is Verdict.FAILED


def test_gate_does_not_decide_what_it_cannot() -> None:
    rng = np.random.default_rng(7)
    old, new = report(noisy(rng, 2.0, 320)), report(noisy(rng, 2.0, 320))
    calls = noisy(rng, 2.0, 320)
    starved = replace(new, subjects=(subject(*calls.reshape(5, -1), cpu_share=0.5),))
    one_process = replace(new, subjects=(subject(calls),))
    undecided = [
        (starved, "p50>5%", "this run was starved: it had a CPU only 50% of its time", None),
        (one_process, "p50>5%", "needs 5 processes, got 1 in this run", "processes"),
        (new, "p99>5%", "needs 662 calls after warm-up, got 320 in this run", "min_calls"),
    ]
    for run, rule, reason, option in undecided:
        (judgement,) = judge(old, run, [rule])
        assert judgement.verdict is Verdict.UNDECIDED
        assert (judgement.reason, judgement.option) == (reason, option)
        assert judgement.ratio is None
    assert verdict(old, starved, "cpu>5%") is Verdict.PASSED


def test_without_rules_both_medians_and_cpu_time_are_compared() -> None:
    old = report(noisy(np.random.default_rng(7), 2.0, 320))
    found = [one.rule.statistic for one in judge(old, old)]
    assert found == ["p50", "p90", "cpu"]


def test_runs_of_different_machines_are_not_compared() -> None:
    old = report(np.full(160, 2.0))
    new = replace(old, machine=replace(old.machine, cpu="another"))
    with pytest.raises(SourceError) as raised:
        judge(old, new)
    assert str(raised.value) == (
        "the earlier run was made on Some CPU with 2 cores, this one on another with 2. "
        "Compare runs of one machine."
    )


def test_runs_on_different_pictures_are_not_compared() -> None:
    old = report(np.full(160, 2.0))
    with pytest.raises(SourceError) as raised:
        judge(old, replace(old, pictures=9))
    assert str(raised.value) == (
        "the earlier run was made on 1 pictures, test, this one on 9, test. "
        "Compare runs on the same pictures, named alike."
    )


def test_runs_without_a_common_setup_are_not_compared() -> None:
    old = report(np.full(160, 2.0))
    two = replace(old, subjects=(replace(old.subjects[0], threads=2),))
    with pytest.raises(SourceError) as raised:
        judge(old, two)
    assert str(raised.value) == (
        "the two runs have no setup in common: the earlier run has m.onnx on cpu, threads 1, this "
        "one m.onnx on cpu, threads 2. Measure the same models, threads and providers by single "
        "stream."
    )
