"""What a benchmark found: the report, as a record that stands for its JSON field for field.

Times end in `_ms` or `_s`, memory in `_bytes`. A null is something that could not be read, was not
asked for, or that the sample cannot support. Later versions add keys and never change the meaning
of one; readers keep the keys that they do not know in `extra`. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from edgefeat.bench.load_results import Camera, MultiStream, Offline, Server, SingleStream
from edgefeat.bench.surroundings import Conditions, Machine
from edgefeat.errors import SourceError
from edgefeat.model import codec

__all__ = ["SCHEMA", "BenchReport", "ColdStart", "Ratio", "Subject"]

SCHEMA = "edgefeat.bench/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """Fresh processes, each timed from its start to its first feature.

    All times but `slowest_ms` are medians over the processes.

    Attributes:
        starts: How many processes were started.
        total_ms: Time from the start to the first feature.
        slowest_ms: Time from the start to the first feature, of the slowest process.
        interpreter_ms: Time until the Python interpreter is up.
        imports_ms: Time to import edgefeat and what it needs.
        load_ms: Time to open the model.
        first_call_ms: Time of the first picture.
        peak_rss_bytes: Most resident memory until the first feature, of all processes.
        steady_rss_bytes: Resident memory after twenty more pictures, the highest of all processes.
        bytecode: Whether Python found compiled files, which halves the time of imports.
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
    """One setup that was measured: a model with its threads and providers, and what it did.

    Attributes:
        label: What the setup is called in the report.
        model: Name of the model, from its file.
        precision: Precision of the model, such as `int8`.
        file: Path of the model file.
        file_bytes: Size of the model file.
        fingerprint: Fingerprint of the features. Equal fingerprints mean comparable features.
        providers: Execution providers that ran, the first one in charge.
        threads: Threads inside one inference.
        options: Other options of the extractor that differ from their defaults, as text.
        cosine_to_keras: Mean cosine to Keras's features, measured at export on held-out photos.
        load_ms: Time to open the model in this process.
        first_call_ms: Time of the first picture in this process.
        cold_start: Fresh processes; null if none were started.
        single_stream: One call at a time; null if not measured.
        multi_stream: Queries of several pictures; null if not measured.
        server: Highest rate of arrivals; null if not measured.
        offline: Throughput; null if not measured.
        camera: Age of frames; null if not measured.
        extra: Keys of a later version.
    """

    label: str
    model: str
    precision: str
    file: str
    file_bytes: int
    fingerprint: str
    providers: tuple[str, ...]
    threads: int
    options: Mapping[str, str] = field(default_factory=dict)
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
    """A latency or CPU time of one setup over that of another. Above 1 is slower.

    Attributes:
        label: The setup that is compared.
        base: What it is compared with.
        statistic: What is compared: `p50`, `p90`, ... or `cpu`.
        ratio: The ratio.
        low: Lower end of its 95 % interval, by bootstrap.
        high: Upper end of its 95 % interval.
    """

    label: str
    base: str
    statistic: str
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """Everything that one run of `edgefeat bench` found.

    Attributes:
        schema: Name and version of this schema.
        created: When the run began, in UTC, by ISO 8601.
        source: Where the pictures or rows came from.
        pictures: How many different pictures or rows were used.
        unit: What one call was for: `picture`, or `row` for models that take no picture.
        machine: What was measured on.
        conditions: What the machine was doing, and whether the figures are to be believed.
        subjects: The setups, in the order that they were asked for.
        ratios: Every further setup over the first one, from calls that took turns.
        extra: Keys of a later version.
    """

    schema: str = SCHEMA
    created: str
    source: str
    pictures: int
    unit: str = "picture"
    machine: Machine
    conditions: Conditions
    subjects: tuple[Subject, ...]
    ratios: tuple[Ratio, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON object of this report."""
        document: dict[str, Any] = codec.write(self)
        return document

    @classmethod
    def from_dict(cls, document: object) -> Self:
        """Read what `as_dict` returned, perhaps in another version of edgefeat.

        Args:
            document: What `json.loads` gave.

        Raises:
            SourceError: It is no report, or one of another schema.
        """
        found = document.get("schema") if isinstance(document, dict) else None
        if found != SCHEMA:
            raise SourceError(
                f"expected {SCHEMA!r}, got {found!r}",
                where="schema",
                remedy="Make the file with `edgefeat bench --json FILE`.",
            )
        try:
            return codec.read(cls, document)
        except codec.CodecError as error:
            raise SourceError(
                error.problem,
                where=error.where,
                remedy="Make the file again with `edgefeat bench --json FILE`.",
            ) from error
