"""The speed suite: collected by `make bench` alone, and shown with percentiles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import edgefeat
from edgefeat.measures.percentiles import label, percentile
from edgefeat.model.shipped import sample_photos

_QUANTILES = (0.5, 0.9, 0.95, 0.99)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Stay out of ordinary test runs, which must not depend on speed."""
    wanted = config.getoption("--benchmark-only", default=False)
    return None if wanted else True


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the percentiles that each sample supports, which pytest-benchmark has no columns for."""
    session = getattr(config, "_benchmarksession", None)
    measured = [bench for bench in session.benchmarks if not bench.has_error] if session else []
    if not measured:
        return
    terminalreporter.section("percentiles, ms (n<N: the sample is too small)")
    header = "".join(f"{label(quantile):>10}" for quantile in _QUANTILES)
    terminalreporter.write_line(f"{'':<36}{'n':>7}{header}")
    for bench in measured:
        ascending = sorted(bench.stats.data)
        cells = ""
        for quantile in _QUANTILES:
            found = percentile(ascending, quantile)
            shown = f"n<{found.needed}" if found.value is None else f"{1e3 * found.value:.3f}"
            cells += f"{shown:>10}"
        terminalreporter.write_line(f"{bench.name:<36}{len(ascending):>7}{cells}")


@pytest.fixture(scope="session")
def extractor() -> Iterator[edgefeat.FeatureExtractor]:
    with edgefeat.FeatureExtractor() as opened:
        yield opened


@pytest.fixture(scope="session")
def photo() -> bytes:
    """The sample photo with the most pixels, encoded."""
    return sample_photos()[-1].read_bytes()
