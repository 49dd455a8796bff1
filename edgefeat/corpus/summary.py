"""How a run over many pictures goes and how it ended: the records that a caller gets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edgefeat.sets.encoding import StoreLoss
from edgefeat.sets.info import SetInfo
from edgefeat.sets.record import Failure
from edgefeat.sets.sink import SinkSummary

__all__ = ["CorpusStep", "Ending", "Summary"]


class Ending(StrEnum):
    """Why a run ended."""

    DONE = "done"
    FAILURE = "the first failure"
    ASKED = "asked to stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusStep:
    """One picture is done, or one source names no picture.

    Args:
        path: The picture or source.
        failure: Why it gave no features; None if it gave some.
        done: Pictures done so far, those that the set had before this run included.
        total: Pictures that there are.
        counts: Whether it is a picture; a source that names none is not among `done`.
    """

    path: str
    failure: Failure | None
    done: int
    total: int
    counts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run over many pictures left behind.

    Args:
        output: The file or folder, as the caller named it.
        info: What the rows have in common.
        rows: Rows that stand in the output, those of earlier runs included.
        resumed: The rows among them that were there before this run.
        failures: Pictures that gave no features, those of earlier runs included.
        failed: The failures of this run.
        ending: Why the run ended.
        loss: What storing cost the worst vector; None where nothing is lost.
        seconds: How long the run took.
    """

    output: str
    info: SetInfo
    rows: int
    resumed: int
    failures: int
    failed: tuple[Failure, ...]
    ending: Ending
    loss: StoreLoss | None
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every picture was looked at."""
        return self.ending is Ending.DONE

    @classmethod
    def of(
        cls,
        output: str,
        info: SetInfo,
        written: SinkSummary,
        failed: tuple[Failure, ...],
        *,
        ending: Ending,
        seconds: float,
    ) -> Summary:
        """Sum up what stands in an output now.

        Args:
            output: The file or folder, as the caller named it.
            info: What the rows have in common.
            written: What the sink says of the output.
            failed: The failures of this run.
            ending: Why the run ended.
            seconds: How long the run took.
        """
        first = ending is Ending.FAILURE  # which no ledger has
        return cls(
            output=output,
            info=info,
            rows=written.rows,
            resumed=written.resumed,
            failures=max(written.failures + first, len(failed)),
            failed=failed,
            ending=ending,
            loss=written.loss if written.rows else None,
            seconds=seconds,
        )
