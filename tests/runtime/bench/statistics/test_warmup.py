"""Warm-up and levels, on series whose truth is known."""

import numpy as np
import pytest

from edgefeat.bench.statistics.warmup import find_warmup, levels
from known_runs import noisy


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
