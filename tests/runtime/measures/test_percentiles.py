"""Percentiles and the samples they need, against published values and a naive oracle."""

from math import ceil, comb

import numpy as np
import pytest

from edgefeat.errors import OptionError
from edgefeat.measures.percentiles import label, min_samples, over_allowed, percentile, stated


def exact_cdf(t: int, n: int, q: float) -> float:
    return sum(comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(t + 1))


@pytest.mark.parametrize(
    ("quantile", "published"), [(0.9, 64), (0.95, 130), (0.99, 662), (0.999, 6636)]
)
def test_needs_the_samples_that_mlperf_publishes(quantile: float, published: int) -> None:
    assert min_samples(quantile) == published


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.95, 0.99])
def test_least_sample_follows_from_the_binomial_criterion(quantile: float) -> None:
    needed = min_samples(quantile)
    assert exact_cdf(1, needed, 1 - quantile) <= 0.01 < exact_cdf(1, needed - 1, 1 - quantile)


@pytest.mark.parametrize(("n", "quantile"), [(64, 0.9), (300, 0.9), (1000, 0.95), (5000, 0.99)])
def test_allowed_calls_above_are_the_most_that_the_criterion_lets_pass(
    n: int, quantile: float
) -> None:
    t = over_allowed(n, quantile)
    assert exact_cdf(t, n, 1 - quantile) <= 0.01 < exact_cdf(t + 1, n, 1 - quantile)


def test_too_small_a_sample_has_no_percentile() -> None:
    too_small = percentile([1.0] * 63, 0.9)
    assert (too_small.value, too_small.mlperf, too_small.needed) == (None, None, 64)
    assert percentile([1.0] * 64, 0.9).value == 1.0


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_a_percentile_is_stated_from_its_least_sample_on(quantile: float) -> None:
    needed = min_samples(quantile)
    sample = [float(value) for value in range(1, needed + 1)]
    assert stated(sample[:-1], quantile) is None
    assert stated(sample, quantile) == ceil(quantile * needed)


def test_values_are_nearest_ranks() -> None:
    ascending = [float(n) for n in range(1, 101)]
    p90 = percentile(ascending, 0.9)
    assert p90.value == 90.0
    assert p90.mlperf == 98.0  # t = 3 of 100: P[Binomial(100, 0.1) <= 3] = 0.8 %
    assert percentile(ascending, 0.5).value == 50.0


@pytest.mark.parametrize(("quantile", "n"), [(0.5, 60), (0.9, 200)])
def test_intervals_hold_the_true_percentile_as_often_as_they_say(quantile: float, n: int) -> None:
    rng = np.random.default_rng(20261121)
    truth = -np.log(1 - quantile)  # of the exponential distribution
    inside = below_mlperf = 0
    for _ in range(1000):
        found = percentile(np.sort(rng.exponential(size=n)).tolist(), quantile)
        assert found.low is not None
        assert found.high is not None
        assert found.mlperf is not None
        inside += found.low <= truth <= found.high
        below_mlperf += truth <= found.mlperf
    assert 940 <= inside <= 985
    assert below_mlperf >= 980


@pytest.mark.parametrize(("quantile", "name"), [(0.5, "p50"), (0.95, "p95"), (0.999, "p99.9")])
def test_labels(quantile: float, name: str) -> None:
    assert label(quantile) == name


@pytest.mark.parametrize("quantile", [0.0, 1.0, 90.0])
def test_quantiles_outside_are_refused(quantile: float) -> None:
    with pytest.raises(OptionError) as raised:
        percentile([1.0], quantile)
    assert str(raised.value) == f"quantile: expected a number between 0 and 1, got {quantile}."
