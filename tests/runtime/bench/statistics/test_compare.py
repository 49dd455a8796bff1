"""Setups that took turns, on latencies whose truth is known."""

from dataclasses import replace

import numpy as np

from edgefeat.bench.series import BLOCK
from edgefeat.bench.statistics.bootstrap import ratio_of_quantiles
from edgefeat.bench.statistics.compare import paired_ratios
from known_runs import noisy, subject


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


def test_paired_processes_of_unequal_length_are_drawn_together() -> None:
    rng = np.random.default_rng(7)
    lengths = [4, 9, 5, 7, 6]
    drift = np.linspace(1, 1.5, 5)
    base = [noisy(rng, 2.0 * d, n * BLOCK) for d, n in zip(drift, lengths, strict=True)]
    slower = [noisy(rng, 2.2 * d, n * BLOCK) for d, n in zip(drift, lengths, strict=True)]
    slower[1][: 2 * BLOCK] *= 3  # warms up, and takes the other's calls of that time out too
    p50, _ = paired_ratios([subject(*base), replace(subject(*slower), label="slower")])
    assert 1.05 < p50.low <= 1.1 <= p50.high < 1.15
