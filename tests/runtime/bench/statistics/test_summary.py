"""The figures of a single stream, on latencies whose truth is known."""

import numpy as np
import pytest

from edgefeat.bench.statistics.compare import blocks_after_warmup
from edgefeat.bench.statistics.summary import after_warmup, single_stream
from known_runs import in_process, lucky_or_not, noisy, subject


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
    kept = blocks_after_warmup(run, run.process_warmup_calls)
    assert [len(blocks) for blocks in kept] == [17] * 5


def test_a_change_of_speed_between_processes_is_unsteady() -> None:
    rng = np.random.default_rng(7)
    run = subject(*(noisy(rng, level, 160) for level in (2.0, 2.0, 2.6, 2.6, 2.6))).single_stream
    assert run is not None
    assert not run.steady
    assert run.level_spread == run.process_spread == pytest.approx(1.3, rel=0.02)
