"""What a benchmark found, and the schema of its JSON: these dataclasses, field for field.

Times end in `_ms` or `_s`, memory in `_bytes`; a null is something that could not be read, was not
asked for, or that the sample cannot support. Later versions add keys and never change one; readers
keep what they do not know. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgefeat.percentiles import Percentile

__all__ = [
    "SCHEMA",
    "Camera",
    "ColdStart",
    "Conditions",
    "Latency",
    "Machine",
    "MultiStream",
    "Offline",
    "Ratio",
    "Report",
    "Server",
    "ServerTrial",
    "SingleStream",
    "Subject",
]

SCHEMA = "edgefeat.bench/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long something took: mean, extremes and the percentiles that the sample supports."""

    calls: int
    mean_ms: float
    min_ms: float
    max_ms: float
    percentiles_ms: tuple[Percentile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleStream:
    """One call at a time; figures leave `warmup_calls` out, the series keep them.

    Several processes may have made the calls, one after the other: `process_calls` says how many
    each, `process_warmup_calls` how many of those, its first, were warm-up. `process_spread` is the
    slowest one's median over the fastest one's, the machine's own changes included.

    `overhead` is the share of the time that the harness itself took. `cpu_s_per_call` counts all
    threads; `cpu_share` is CPU time over wall time, which waiting for a busy CPU lowers.
    `stages_ms` has decode, resize, run and total. The series hold one number a call, in order.
    Calls were taken in blocks of `block`; the block series hold one number each: the median
    of what a fixed piece of work took after each call, and the CPU time of the block's calls.
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
    stages_ms: Mapping[str, Latency]
    block: int
    block_yardstick_ms: tuple[float, ...]
    block_cpu_ms: tuple[float, ...]
    series_ms: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiStream:
    """Queries of `streams` pictures each; latency until the last of them is done."""

    streams: int
    workers: int
    query: Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTrial:
    """One rate that was tried. `over` calls of `calls` were later than the bound."""

    rate_per_s: float
    calls: int
    over: int
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Poisson arrivals: the highest rate at which the percentile keeps the bound, waiting included.

    `rate_per_s` is null if not even the lowest rate tried did.
    """

    bound_ms: float
    quantile: float
    workers: int
    rate_per_s: float | None
    trials: tuple[ServerTrial, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offline:
    """All pictures at hand: how many a second."""

    workers: int
    calls: int
    calls_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Frames at a fixed pace, the newest wins: their age when the features are there."""

    fps: float
    frames: int
    emitted: int
    dropped: int
    age: Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """Fresh processes, from their start to the first feature; medians over `starts`.

    `bytecode` says whether compiled Python was at hand, which halves the imports.
    `steady_rss_bytes` is after twenty more pictures.
    """

    starts: int
    total_ms: float
    slowest_ms: float
    interpreter_ms: float
    imports_ms: float
    load_ms: float
    first_call_ms: float
    peak_rss_bytes: int | None
    steady_rss_bytes: int | None
    bytecode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One setup: a model with its threads and providers, and what it did.

    `cosine_to_keras` is what its export measured on held-out photos.
    """

    label: str
    model: str
    precision: str
    file: str
    file_bytes: int
    fingerprint: str
    providers: tuple[str, ...]
    threads: int
    cosine_to_keras: float | None
    load_ms: float
    first_call_ms: float
    cold_start: ColdStart | None = None
    single_stream: SingleStream | None = None
    multi_stream: MultiStream | None = None
    server: Server | None = None
    offline: Offline | None = None
    camera: Camera | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A statistic of `label` over that of `base`; above 1 is slower. 95 % bootstrap interval."""

    label: str
    base: str
    statistic: str
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What does not change during a run."""

    cpu: str
    board: str | None
    architecture: str
    cores: int
    flags: tuple[str, ...]
    int8_dot: bool
    memory_bytes: int | None
    memory_limit_bytes: int | None
    cpu_quota: float | None
    system: str
    versions: Mapping[str, str]
    install_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the machine was doing. `invalid` says why the figures are not to be believed, if so.

    `others_cores` is how many cores' worth of time other processes used, `steal` the share that a
    hypervisor took away.
    """

    invalid: tuple[str, ...]
    notes: tuple[str, ...]
    duration_s: float
    others_cores: float | None
    steal: float | None
    load_average: tuple[float, ...] | None
    governors: tuple[str, ...]
    frequency_mhz: float | None
    max_frequency_mhz: float | None
    temperatures_c: Mapping[str, float]
    throttled: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything one run of `edgefeat bench` found."""

    schema: str = SCHEMA
    created: str
    source: str
    pictures: int
    machine: Machine
    conditions: Conditions
    subjects: tuple[Subject, ...]
    ratios: tuple[Ratio, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)
