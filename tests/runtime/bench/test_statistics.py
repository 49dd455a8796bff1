"""Warm-up, comparison and gate, on latencies whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgefeat.bench.compare import kept_blocks, paired_ratios
from edgefeat.bench.conditions import describe_machine
from edgefeat.bench.gate import Outcome, judge, parse_rule
from edgefeat.bench.report.charts import over_time
from edgefeat.bench.results import Conditions, Report, Subject
from edgefeat.bench.single_stream import BLOCK, Series
from edgefeat.bench.statistics.bootstrap import ratio_of_quantiles
from edgefeat.bench.statistics.warmup import find_warmup, levels
from edgefeat.bench.summary import after_warmup, single_stream
from edgefeat.errors import SourceError

P50 = parse_rule("p50>5%")
CALM = Conditions(
    invalid=(),
    notes=(),
    duration_s=1.0,
    others_cores=0.0,
    steal=0.0,
    load_average=None,
    governors=(),
    frequency_mhz=None,
    max_frequency_mhz=None,
    temperatures_c={},
    throttled=(),
)


def noisy(rng: np.random.Generator, level_ms: float, n: int) -> NDArray[np.float64]:
    """Latencies as real ones are: skewed, and with rare outliers."""
    values = level_ms * (1 + 0.03 * rng.gamma(2.0, size=n))
    return np.where(rng.random(n) < 0.01, values * 4, values)


def in_process(latencies_ms: NDArray[np.float64], yardstick_ms: float, cpu_share: float) -> Series:
    return Series(
        clock_ns=(latencies_ms[:, np.newaxis] * [0.0, 0.2, 0.3, 1.0] * 1e6).astype(np.int64),
        yardstick_ns=np.full(len(latencies_ms), int(yardstick_ms * 1e6)),
        wall_s=latencies_ms / 1e3,
        cpu_s=latencies_ms / 1e3 * cpu_share,
    )


def subject(
    *processes_ms: NDArray[np.float64], yardstick_ms: float = 0.1, cpu_share: float = 1.0
) -> Subject:
    return Subject(
        label="m",
        model="m",
        precision="int8",
        file="m.onnx",
        file_bytes=1,
        fingerprint="0" * 64,
        providers=("cpu",),
        threads=1,
        cosine_to_keras=None,
        load_ms=1.0,
        first_call_ms=1.0,
        single_stream=single_stream(
            [in_process(one, yardstick_ms, cpu_share) for one in processes_ms]
        ),
    )


def report(latencies_ms: NDArray[np.float64], *, yardstick_ms: float = 0.1) -> Report:
    """Of five processes; rows of latencies are one each."""
    processes_ms = latencies_ms.reshape(5, -1)
    return Report(
        created="2026-11-21T12:00:00+00:00",
        source="test",
        pictures=1,
        machine=describe_machine(),
        conditions=CALM,
        subjects=(subject(*processes_ms, yardstick_ms=yardstick_ms),),
        ratios=(),
    )


def outcome(old: Report, new: Report, rule: str) -> Outcome:
    (judgement,) = judge(old, new, [parse_rule(rule)])
    return judgement.outcome


def test_warmup_is_found_and_left_out() -> None:
    rng = np.random.default_rng(7)
    values = np.concatenate([noisy(rng, 4.0, 60), noisy(rng, 2.0, 600)])
    found = find_warmup(values)
    assert 55 <= found.warmup <= 65
    assert found.steady


def test_a_level_series_has_no_warmup() -> None:
    warmups = [find_warmup(noisy(np.random.default_rng(s), 2.0, 400)).warmup for s in range(50)]
    assert sum(warmup > 0 for warmup in warmups) <= 2


def test_a_change_of_speed_is_unsteady_not_warmup() -> None:
    rng = np.random.default_rng(7)
    slows_down = np.concatenate([noisy(rng, 2.0, 300), noisy(rng, 3.0, 300)])
    found = find_warmup(slows_down)
    assert (found.warmup, found.steady) == (0, False)
    assert found.spread == pytest.approx(1.5, rel=0.05)


def test_levels_of_a_short_series_are_one() -> None:
    assert levels(np.ones(20)) == [0, 20]


def test_paired_ratio_holds_where_the_machine_drifts() -> None:
    rng = np.random.default_rng(7)
    drift = np.repeat(np.linspace(1, 2, 40), BLOCK)
    base = noisy(rng, 2.0, 40 * BLOCK) * drift
    slower = noisy(rng, 2.2, 40 * BLOCK) * drift
    p50, p90 = paired_ratios([subject(base), replace(subject(slower), label="slower")])
    assert (p50.statistic, p90.statistic) == ("p50", "p90")
    assert p50.low <= 1.1 <= p50.high
    assert p50.low > 1.0


def test_interval_is_the_same_every_time() -> None:
    rows = noisy(np.random.default_rng(7), 2.0, 320).reshape(20, 16)
    first = ratio_of_quantiles(rows, rows[::-1], 0.9, paired=False)
    assert ratio_of_quantiles(rows, rows[::-1], 0.9, paired=False) == first
    assert first[1] <= 1.0 <= first[2]


def test_gate_tells_slower_from_equal() -> None:
    rng = np.random.default_rng(7)
    caught = flagged = 0
    for _ in range(10):
        old, equal = report(noisy(rng, 2.0, 320)), report(noisy(rng, 2.0, 320))
        flagged += outcome(old, equal, "p50>0%") is Outcome.FAILED
        caught += outcome(old, report(noisy(rng, 2.2, 320)), "p50>+5%") is Outcome.FAILED
    assert caught == 10
    assert flagged <= 1


def lucky_or_not(
    rng: np.random.Generator, level_ms: float, processes: int = 5
) -> NDArray[np.float64]:
    """Processes of one build, one to a row, some faster than others for as long as they live."""
    luck = np.exp(rng.normal(0, 0.03, processes))
    return np.stack([noisy(rng, level_ms * one, 8 * BLOCK) for one in luck])


def test_gate_allows_for_processes_of_one_build_that_differ() -> None:
    rng = np.random.default_rng(7)
    caught = flagged = 0
    for _ in range(12):
        old, equal = (report(lucky_or_not(rng, 2.0)) for _ in range(2))
        flagged += outcome(old, equal, "p50>0%") is Outcome.FAILED
        slower = report(lucky_or_not(rng, 2.3))
        caught += outcome(old, slower, "p50>+5%") is Outcome.FAILED
    assert caught >= 11
    assert flagged <= 1


def test_an_interval_allows_for_processes_that_differ() -> None:
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(20):
        run = subject(*lucky_or_not(rng, 2.0)).single_stream
        assert run is not None
        p50 = run.stages_ms["total"].percentiles_ms[0]
        assert p50.low is not None
        assert p50.high is not None
        held += p50.low <= 2.0 * 1.05 <= p50.high  # 1.05: the median of the noise
    assert held >= 17


def test_paired_processes_of_unequal_length_are_drawn_together() -> None:
    rng = np.random.default_rng(7)
    lengths = [4, 9, 5, 7, 6]
    drift = np.linspace(1, 1.5, 5)
    base = [noisy(rng, 2.0 * d, n * BLOCK) for d, n in zip(drift, lengths, strict=True)]
    slower = [noisy(rng, 2.2 * d, n * BLOCK) for d, n in zip(drift, lengths, strict=True)]
    slower[1][: 2 * BLOCK] *= 3  # warms up, and takes the other's calls of that time out too
    p50, _ = paired_ratios([subject(*base), replace(subject(*slower), label="slower")])
    assert 1.05 < p50.low <= 1.1 <= p50.high < 1.15


def test_every_process_warms_up_for_itself() -> None:
    rng = np.random.default_rng(7)
    processes = [np.concatenate([noisy(rng, 4.0, 40), noisy(rng, 2.0, 280)]) for _ in range(5)]
    run = single_stream([in_process(one, 0.1, 1.0) for one in processes])
    assert run.process_calls == (320,) * 5
    assert all(35 <= warmup <= 45 for warmup in run.process_warmup_calls)
    assert run.warmup_calls == sum(run.process_warmup_calls)
    assert run.stages_ms["total"].mean_ms < 2.3
    assert run.process_spread < 1.03
    assert after_warmup(run).sum() == run.calls - run.warmup_calls
    assert [len(blocks) for blocks in kept_blocks(run, run.process_warmup_calls)] == [17] * 5


def test_a_change_of_speed_between_processes_is_unsteady() -> None:
    rng = np.random.default_rng(7)
    run = subject(*(noisy(rng, level, 160) for level in (2.0, 2.0, 2.6, 2.6, 2.6))).single_stream
    assert run is not None
    assert not run.steady
    assert run.level_spread == run.process_spread == pytest.approx(1.3, rel=0.02)


def test_chart_shades_the_warm_up_of_each_process() -> None:
    rng = np.random.default_rng(7)
    warm = [np.concatenate([noisy(rng, 4.0, 40), noisy(rng, 2.0, 280)]) for _ in range(2)]
    run = subject(*warm, noisy(rng, 2.0, 320)).single_stream
    assert run is not None
    assert over_time(run, 0).count("warm-up, left out") == 2


def test_gate_blames_the_machine_where_its_yardstick_got_slower() -> None:
    rng = np.random.default_rng(7)
    old = report(noisy(rng, 2.0, 800), yardstick_ms=0.1)
    new = report(noisy(rng, 2.6, 800), yardstick_ms=0.13)
    assert outcome(old, new, "p50>+5%") is Outcome.PASSED


def test_gate_sees_a_slower_build_on_a_machine_that_got_faster() -> None:
    rng = np.random.default_rng(7)
    old = report(noisy(rng, 2.6, 800), yardstick_ms=0.13)
    new = report(noisy(rng, 2.2, 800), yardstick_ms=0.1)
    (judgement,) = judge(old, new, [parse_rule("p50>+5%")])
    assert judgement.outcome is Outcome.FAILED
    assert judgement.ratio is not None
    assert judgement.ratio.ratio == pytest.approx(1.1, rel=0.02)
    assert judgement.machine == pytest.approx(0.1 / 0.13, rel=1e-3)


def test_gate_does_not_trust_another_yardstick() -> None:
    rng = np.random.default_rng(7)
    old = report(noisy(rng, 2.6, 800), yardstick_ms=0.13)
    new = report(noisy(rng, 2.2, 800), yardstick_ms=0.1)
    versions = {**new.machine.versions, "numpy": "another"}
    new = replace(new, machine=replace(new.machine, versions=versions))
    assert outcome(old, new, "p50>+5%") is Outcome.PASSED


def test_growth_below_the_threshold_passes() -> None:
    rng = np.random.default_rng(7)
    old, new = report(noisy(rng, 2.0, 800)), report(noisy(rng, 2.1, 800))
    assert outcome(old, new, "p50>+10%") is Outcome.PASSED
    assert outcome(old, new, "cpu>+2%") is Outcome.FAILED


def test_gate_does_not_decide_what_it_cannot() -> None:
    rng = np.random.default_rng(7)
    old, new = report(noisy(rng, 2.0, 320)), report(noisy(rng, 2.0, 320))
    starved = replace(new, subjects=(subject(*noisy(rng, 2.0, 320).reshape(5, -1), cpu_share=0.5),))
    (judgement,) = judge(old, starved, [P50])
    assert judgement.outcome is Outcome.UNDECIDED
    assert judgement.reason == "this run was starved: it had a CPU only 50% of its time"
    (judgement,) = judge(old, replace(new, subjects=(subject(noisy(rng, 2.0, 320)),)), [P50])
    assert judgement.outcome is Outcome.UNDECIDED
    assert judgement.reason == "needs 5 processes, got 1 in this run: see --processes"
    (judgement,) = judge(old, new, [parse_rule("p99>5%")])
    assert judgement.outcome is Outcome.UNDECIDED
    assert judgement.reason == "needs 662 calls after warm-up, got 320 in this run: see --calls"


def test_runs_of_different_machines_are_not_compared() -> None:
    old = report(np.full(160, 2.0))
    new = replace(old, machine=replace(old.machine, cpu="another"))
    with pytest.raises(SourceError, match=r"this one on another with \d+: compare runs of one"):
        judge(old, new, [P50])


def test_runs_of_different_work_are_not_compared() -> None:
    old = report(np.full(160, 2.0))
    with pytest.raises(
        SourceError, match="earlier run was made on 1 pictures, test, this one on 9"
    ):
        judge(old, replace(old, pictures=9), [P50])
    two = replace(old, subjects=(replace(old.subjects[0], threads=2),))
    with pytest.raises(SourceError, match=r"has m\.onnx on cpu, threads 1, this one m"):
        judge(old, two, [P50])


@pytest.mark.parametrize("text", ["p90>+10%", "p90 > 10 %", "cpu>5%", "p99.9>+0.5%"])
def test_rules_are_read(text: str) -> None:
    assert parse_rule(text).text == text


@pytest.mark.parametrize("text", ["p90<10%", "p90>10", "mean>10%", "p0>10%", "", "p100>1%"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a rule like 'p90>\\+10%'"):
        parse_rule(text)
