"""What every sink is: takes named vectors in order, and leaves nothing behind unless committed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import EdgefeatError
from edgefeat.sets.encoding import Store

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor

__all__ = [
    "CorpusSink",
    "Failure",
    "Features",
    "ListSink",
    "SetInfo",
    "Sink",
    "numbers",
    "write_record",
]

Features = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInfo:
    """What every row of a set has in common."""

    model: str
    fingerprint: str
    dim: int
    store: Store = Store.F32

    @classmethod
    def of(cls, extractor: FeatureExtractor, store: Store = Store.F32) -> SetInfo:
        """Describe what an extractor makes."""
        return cls(
            model=extractor.spec.name,
            fingerprint=extractor.fingerprint,
            dim=extractor.dim,
            store=store,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One source or picture that gave no features, and why."""

    path: str
    reason: str

    @classmethod
    def of(cls, path: str, error: EdgefeatError) -> Failure:
        """Make one from an error, without repeating the path its message begins with."""
        reason = str(error)
        for spelling in (path, str(Path(path))):  # "./cat.jpg" is "cat.jpg" in messages
            reason = reason.removeprefix(f"{spelling}: ")
        return cls(path=path, reason=reason)

    def to_json(self) -> str:
        """Return the ledger's line, with its newline."""
        return json.dumps(asdict(self)) + "\n"


class Sink(Protocol):
    """Takes named vectors in order; leaves nothing behind unless committed."""

    def write(self, name: str, features: Features) -> None:
        """Take one vector: float32 `(D,)`."""

    def commit(self) -> None:
        """Put the finished set in place."""

    def close(self) -> None:
        """Give up whatever was not committed; closing twice is fine."""


class CorpusSink(Sink, Protocol):
    """A sink that also keeps account of what gave no vector."""

    def fail(self, failure: Failure) -> None:
        """Take one failure, in order with the vectors."""


class ListSink:
    """Keeps the rows in a list: for tests and small programs."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Features]] = []
        self.failures: list[Failure] = []
        self.committed = False

    def write(self, name: str, features: Features) -> None:
        """Take one vector."""
        self.rows.append((name, features))

    def fail(self, failure: Failure) -> None:
        """Take one failure."""
        self.failures.append(failure)

    def commit(self) -> None:
        """Say that the set is whole."""
        self.committed = True

    def close(self) -> None:
        """Do nothing: a list needs no closing."""


def write_record(stream: TextIO, name: str, features: Features, info: SetInfo) -> None:
    """Write one JSON line: path, fingerprint and features."""
    record = {"path": name, "fingerprint": info.fingerprint, "features": numbers(features)}
    stream.write(json.dumps(record) + "\n")


def numbers(features: Features) -> list[float]:
    """Return the shortest decimals that read back as the same float32."""
    return [float(str(number)) for number in features]
