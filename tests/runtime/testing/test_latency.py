"""Latency limits in tests. Nothing here depends on how fast this machine is."""

import time
from itertools import count

import pytest

from edgefeat.testing.latency import check_latency

pytest_plugins = ["pytester"]


def test_what_keeps_its_limit_passes_and_says_how_long_it_took() -> None:
    assert set(check_latency(lambda: None, p50_ms=1000, p90_ms=1000)) == {"p50", "p90"}


def test_what_is_too_slow_fails_after_three_batches() -> None:
    calls = count()

    def slow() -> None:
        next(calls)
        time.sleep(0.001)

    with pytest.raises(AssertionError, match=r"too slow in each of 3 batches of 11 calls: p50 "):
        check_latency(slow, p50_ms=0.5, warmup=2)
    assert next(calls) == 2 + 3 * 11


def test_a_slow_moment_is_forgiven() -> None:
    calls = count()

    def slow_at_first() -> None:
        time.sleep(0.01 if next(calls) < 11 else 0)

    check_latency(slow_at_first, p50_ms=9.0, warmup=0)
    assert next(calls) == 22


@pytest.mark.parametrize("limits", [{}, {"p90_ms": 0.0}], ids=["none", "zero"])
def test_a_limit_is_needed(limits: dict[str, float]) -> None:
    with pytest.raises(
        ValueError,
        match=r"expected limits above 0 ms, got (none|p90 0)\. Give one, such as p90_ms=20",
    ):
        check_latency(lambda: None, **limits)  # type: ignore[arg-type]


def test_fixture_in_a_users_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_fast(latency_limit):
            latency_limit(lambda: None, p90_ms=1000)

        def test_slow(latency_limit):
            import time
            latency_limit(lambda: time.sleep(0.001), p50_ms=0.1)
        """
    )
    result = pytester.runpytest_subprocess("-p", "edgefeat.testing.plugin", "--junit-xml=r.xml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E   *too slow in each of 3 batches of 11 calls: p50 *"])
    assert 'name="latency_p90_ms"' in (pytester.path / "r.xml").read_text()


def test_plugin_loads_nothing_heavy(pytester: pytest.Pytester) -> None:
    script = "import sys, edgefeat.testing.plugin; sys.exit('numpy' in sys.modules)"
    assert pytester.runpython_c(script).ret == 0
