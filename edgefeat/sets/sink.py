"""What every sink is: it takes records in order, and leaves nothing behind unless committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from edgefeat.sets.encoding import StoreLoss
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.stamps import Look
from edgefeat.sets.target import Changes

__all__ = ["CallbackSink", "ListSink", "Sink", "SinkSummary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSummary:
    """What stands in an output.

    Args:
        rows: Records that a reader finds there now.
        resumed: Records among them that were there before this run.
        failures: Pictures that gave no features, of earlier runs too.
        damaged: Rows of damaged pictures, of earlier runs too.
        loss: What storing cost the worst vector; None where nothing is lost.
        changes: How a set that was there differed from the pictures given; None for a new set.
    """

    rows: int = 0
    resumed: int = 0
    failures: int = 0
    damaged: int = 0
    loss: StoreLoss | None = None
    changes: Changes | None = None


class Sink(Protocol):
    """Takes records in order. A context manager: leaving it closes it."""

    def names_there(self) -> tuple[Iterator[str], str | None]:
        """Return what the pictures that are there are called, and where relative names start."""

    def pending(self, paths: Sequence[str], look: Look | None = None) -> list[str]:
        """Return which of the pictures are still to be done, in order.

        Args:
            paths: The pictures.
            look: Looks at their files, which a sink may compare with what they were.

        Raises:
            SinkError: An unfinished set was made from other pictures.
        """

    def write(self, record: FeatureRecord) -> None:
        """Take one record.

        Raises:
            SinkError: It cannot be written, or is of another model.
        """

    def fail(self, failure: Failure) -> None:
        """Take one picture that gave no features, in order with the records."""

    def keep(self) -> None:
        """Bring what was taken to where the next run finds it, if there is such a place."""

    def commit(self) -> None:
        """Put the finished set in place.

        Raises:
            SinkError: It cannot be written.
        """

    def summary(self) -> SinkSummary:
        """Say what stands in the output now."""

    def close(self) -> None:
        """Give up whatever was not committed; closing twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class SinkBase:
    """What most sinks have in common; each overrides what it does otherwise."""

    def names_there(self) -> tuple[Iterator[str], str | None]:
        """Return nothing: nothing was done before."""
        return iter(()), None

    def pending(self, paths: Sequence[str], look: Look | None = None) -> list[str]:
        """Return all of the pictures: nothing was done before."""
        return list(paths)

    def keep(self) -> None:
        """Do nothing: what is not committed is given up."""

    def fail(self, failure: Failure) -> None:
        """Do nothing: there is no place for failures here; the caller names them."""

    def commit(self) -> None:
        """Do nothing: every record is out."""

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ListSink(SinkBase):
    """Keeps records in a list: for tests and small programs.

    Attributes:
        records: What was written.
        failures: What failed.
        committed: Whether the set is whole.
    """

    def __init__(self) -> None:
        self.records: list[FeatureRecord] = []
        self.failures: list[Failure] = []
        self.committed = False

    def write(self, record: FeatureRecord) -> None:
        """Take one record."""
        self.records.append(record)

    def fail(self, failure: Failure) -> None:
        """Take one failure."""
        self.failures.append(failure)

    def commit(self) -> None:
        """Note that the set is whole."""
        self.committed = True

    def summary(self) -> SinkSummary:
        """Count what was taken."""
        return SinkSummary(rows=len(self.records), failures=len(self.failures))


class CallbackSink(SinkBase):
    """Hands each record to a function, such as a queue's `put`."""

    def __init__(self, take: Callable[[FeatureRecord], object]) -> None:
        self._take = take
        self._rows = self._failures = 0

    def write(self, record: FeatureRecord) -> None:
        """Call the function."""
        self._take(record)
        self._rows += 1

    def fail(self, failure: Failure) -> None:
        """Count one failure."""
        self._failures += 1

    def summary(self) -> SinkSummary:
        """Count what was taken."""
        return SinkSummary(rows=self._rows, failures=self._failures)
