"""What was measured under each load, as records; part of the JSON of a report.

Times end in `_ms` or `_s`. A null is something that the sample cannot support. The records stand
for the JSON field for field: see `edgefeat.bench.results`. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgefeat.measures.percentiles import Percentile

__all__ = [
    "Camera",
    "FrameCost",
    "LatencySummary",
    "MultiStream",
    "Offline",
    "Server",
    "ServerTrial",
    "SingleStream",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencySummary:
    """How long something took.

    Attributes:
        calls: How many calls the figures are from.
        mean_ms: Mean latency.
        min_ms: Latency of the fastest call.
        max_ms: Latency of the slowest call.
        percentiles_ms: p50, p90, p95, p99 and p99.9, in this order.
    """

    calls: int
    mean_ms: float
    min_ms: float
    max_ms: float
    percentiles_ms: tuple[Percentile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleStream:
    """One call at a time. The figures leave warm-up out; the series hold every call.

    One or more processes made the calls, one process after the other. They took the calls in blocks
    of `block` calls; a block series holds one number for each block.

    Attributes:
        calls: How many calls were timed, warm-up included.
        warmup_calls: How many calls were warm-up, in all processes together.
        process_calls: How many calls each process made.
        process_warmup_calls: How many of the first calls of each process were warm-up.
        process_spread: Median latency of the slowest process over that of the fastest. It includes
            changes of the machine's own speed.
        steady: Whether the speed stayed within 10 % after warm-up, in and between processes.
        level_spread: Slowest over fastest level of latency after warm-up; 1.0 is one level.
        calls_per_s: Calls a second: 1000 over the mean latency.
        cpu_s_per_call: CPU time of one call, all threads together.
        cpu_share: CPU time over wall time. Waiting for a busy CPU lowers it; threads raise it.
        overhead: Share of the wall time that the benchmark itself took.
        stages_ms: Latencies of `decode`, `resize`, `run` and of the whole call, `total`.
        block: How many consecutive calls make a block.
        block_yardstick_ms: How long a fixed piece of work took after each call: median of a block.
        block_cpu_ms: CPU time of all calls of a block.
        series_ms: Latency of every call in order, for each stage and for `total`.
    """

    calls: int
    warmup_calls: int
    process_calls: tuple[int, ...]
    process_warmup_calls: tuple[int, ...]
    process_spread: float
    steady: bool
    level_spread: float
    calls_per_s: float
    cpu_s_per_call: float
    cpu_share: float
    overhead: float
    stages_ms: Mapping[str, LatencySummary]
    block: int
    block_yardstick_ms: tuple[float, ...]
    block_cpu_ms: tuple[float, ...]
    series_ms: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiStream:
    """Queries of several pictures; a query is done when its last picture is.

    Attributes:
        streams: Pictures in a query.
        workers: Pictures that were worked on at once.
        query: Latencies of the queries.
    """

    streams: int
    workers: int
    query: LatencySummary


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTrial:
    """One rate of arrivals that was tried.

    Attributes:
        rate_per_s: Pictures that arrived in a second, on average.
        calls: How many pictures arrived before the trial ended.
        over: How many of them were later than the bound.
        passed: Whether the percentile kept the bound.
    """

    rate_per_s: float
    calls: int
    over: int
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The highest rate of Poisson arrivals whose latency keeps a bound, waiting included.

    Attributes:
        bound_ms: The bound on the latency.
        quantile: Which percentile of the latencies must keep it: 0.99 is p99.
        workers: Pictures that were worked on at once.
        rate_per_s: The highest rate that kept the bound; null if no rate tried did.
        trials: The rates that were tried, in order.
    """

    bound_ms: float
    quantile: float
    workers: int
    rate_per_s: float | None
    trials: tuple[ServerTrial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """All pictures at hand: how many are done in a second.

    Attributes:
        workers: Pictures that were worked on at once.
        calls: How many pictures were done.
        calls_per_s: Pictures done in a second.
    """

    workers: int
    calls: int
    calls_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCost:
    """CPU time of a frame from a kind of source to features: means, all threads of the process.

    Attributes:
        source: The source, or its kind.
        size: Width and height of its frames, such as `1920x1080`; null if not measured.
        frames: How many frames the means are of; 0 if not measured.
        stages_ms: CPU time of `grab` (reading a frame; of video also decoding it), `decode`
            (decoding a JPEG, or changing colours), `resize` and `run` (the model).
        grabbed_ms: CPU time of a frame that is grabbed and not wanted; null if not measured.
        emitted_ms: CPU time of a frame that gives features; null if not measured.
        note: Why the source was not measured, or what it did differently from what was asked.
    """

    source: str
    size: str | None = None
    frames: int = 0
    stages_ms: Mapping[str, float] = field(default_factory=dict)
    grabbed_ms: float | None = None
    emitted_ms: float | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Frames at a fixed pace, of which the newest is taken.

    Attributes:
        fps: Frames that came in a second.
        frames: How many frames came.
        emitted: How many frames gave features.
        dropped: How many frames were overtaken by a newer one.
        age: How old a frame was when its features were there.
        sources: What a frame costs, by kind of source.
    """

    fps: float
    frames: int
    emitted: int
    dropped: int
    age: LatencySummary
    sources: tuple[FrameCost, ...] = ()
