"""Latency limits in tests, told apart from a slow moment of the machine.

    def test_extract_is_fast(latency_limit):
        with edgefeat.FeatureExtractor("model.onnx") as extractor:
            latency_limit(lambda: extractor.extract("cat.jpg"), p90_ms=20)

Standard library only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from edgefeat.errors import OptionError
from edgefeat.measures.percentiles import Percentile, label, min_samples, percentile

__all__ = ["check_latency"]

_BATCHES = 3
_MAX_BATCH_S = 60.0


def check_latency(
    call: Callable[[], object],
    *,
    p50_ms: float | None = None,
    p90_ms: float | None = None,
    p95_ms: float | None = None,
    p99_ms: float | None = None,
    warmup: int = 5,
) -> dict[str, float]:
    """Time a call as often as its strictest percentile needs, and hold it to its limits.

    A batch beyond a limit is measured again, up to three batches: a machine has slow moments, but
    code that is too slow has no fast ones.

    Args:
        call: What to time; called again and again in this thread.
        p50_ms: Limit of the median, in ms; takes 11 calls.
        p90_ms: Limit in ms that 90 % of the calls must keep; takes 64 calls.
        p95_ms: Limit in ms that 95 % of the calls must keep; takes 130 calls.
        p99_ms: Limit in ms that 99 % of the calls must keep; takes 662 calls.
        warmup: Calls before the timed ones, which are not timed.

    Returns:
        The percentiles that were limited, in ms, of the batch that kept them.

    Raises:
        AssertionError: A limit was missed in every batch, or a batch would take over a minute.
        OptionError: No limit was given, or one that is not above 0.
    """
    given = {0.5: p50_ms, 0.9: p90_ms, 0.95: p95_ms, 0.99: p99_ms}
    limits = {quantile: limit for quantile, limit in given.items() if limit is not None}
    if not limits or min(limits.values()) <= 0:
        got = ", ".join(f"{label(q)} {limit:g}" for q, limit in limits.items()) or "none"
        raise OptionError(
            f"expected limits above 0 ms, got {got}", remedy="Give one, such as p90_ms=20."
        )
    for _ in range(warmup):
        call()
    calls = max(min_samples(quantile) for quantile in limits)
    misses = []
    for _ in range(_BATCHES):
        ascending = sorted(_batch(call, calls))
        found = {quantile: percentile(ascending, quantile) for quantile in limits}
        missed = [_miss(found[q], limit) for q, limit in limits.items() if _above(found[q], limit)]
        if not missed:
            return {label(q): p.value for q, p in found.items() if p.value is not None}
        misses.append(", ".join(missed))
    raise AssertionError(
        f"too slow in each of {_BATCHES} batches of {calls} calls: {'; '.join(misses)}"
    )


def _batch(call: Callable[[], object], calls: int) -> list[float]:
    """Return the latencies in ms of so many calls."""
    latencies = []
    deadline = time.perf_counter() + _MAX_BATCH_S
    for done in range(calls):
        before = time.perf_counter()
        if before > deadline:
            raise AssertionError(
                f"only {done} of the {calls} calls that the strictest percentile needs were done "
                f"in {_MAX_BATCH_S:.0f} s: limit a lower percentile, or time a smaller part"
            )
        call()
        latencies.append(1e3 * (time.perf_counter() - before))
    return latencies


def _above(found: Percentile, limit_ms: float) -> bool:
    return found.value is not None and found.value > limit_ms


def _miss(found: Percentile, limit_ms: float) -> str:
    return f"{label(found.quantile)} {found.value:.2f} ms, limit {limit_ms:g} ms"
