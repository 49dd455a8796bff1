"""The pytest plugin: fixtures for tests of one's own models. Loads nothing until one is used."""

from __future__ import annotations

from collections.abc import Callable

import pytest

__all__ = ["latency_limit"]


@pytest.fixture
def latency_limit(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Hold a call to latency limits; see `edgefeat.testing.latency.check_latency`.

    What was measured goes into the JUnit report.
    """

    def check(call: Callable[[], object], **limits: float) -> None:
        from edgefeat.testing.latency import check_latency

        for name, value_ms in check_latency(call, **limits).items():  # type: ignore[arg-type]
            record_property(f"latency_{name}_ms", round(value_ms, 3))

    return check
