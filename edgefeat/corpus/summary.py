"""How a run over many pictures goes and how it ended: the records that a caller gets."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from edgefeat.listing.listing import Listing
from edgefeat.listing.skipped import Tally
from edgefeat.pictures.kind import Group
from edgefeat.sets.encoding import StoreLoss
from edgefeat.sets.info import SetInfo
from edgefeat.sets.record import Failure
from edgefeat.sets.target import Changes

__all__ = ["CorpusStep", "Ending", "NotTaken", "Summary", "from_listing", "not_taken"]


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
        damage: What the decoder said of a damaged picture that gave features all the same.
    """

    path: str
    failure: Failure | None
    done: int
    total: int
    counts: bool = True
    damage: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """The files of one kind that were not taken.

    Args:
        kind: What they are: "heic", "mp4", "html".
        count: How many.
        example: The first one.
        remedy: What the user can do, as sentences.
        pictures: Whether they are pictures, which this installation does not read.
    """

    kind: str
    count: int
    example: str
    remedy: str
    pictures: bool


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
        damaged: Rows of damaged pictures, those of earlier runs included.
        not_taken: What the sources hold and was not taken, by kind; pictures first.
        excluded: Files and folders that `exclude` left out.
        excluded_by_default: Files and folders that the default excludes left out.
        useless_excludes: Patterns of `exclude` that matched nothing.
        repeated: Pictures that were named more than once, and done once.
        changes: How a set that was there differed from the sources; None for a new output.
        synced: Whether the set was made equal to the sources.
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
    damaged: int
    not_taken: tuple[NotTaken, ...]
    excluded: int
    excluded_by_default: int
    useless_excludes: tuple[str, ...]
    repeated: int
    changes: Changes | None
    synced: bool
    ending: Ending
    loss: StoreLoss | None
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every picture was looked at."""
        return self.ending is Ending.DONE

    @property
    def skipped(self) -> dict[str, int]:
        """How many files were not taken, by kind."""
        return {one.kind: one.count for one in self.not_taken}


def not_taken(tally: Tally) -> tuple[NotTaken, ...]:
    """Return what a listing did not take."""
    return tuple(
        NotTaken(
            kind=one.kind.key,
            count=one.count,
            example=one.example,
            remedy="" if one.kind.group is Group.UNKNOWN else one.kind.remedy or "",
            pictures=one.kind.group is Group.UNREAD,
        )
        for one in tally.kinds()
    )


def from_listing(listing: Listing) -> dict[str, Any]:
    """Return the fields of a `Summary` that say what was not taken."""
    excludes = listing.excludes
    return {
        "not_taken": not_taken(listing.tally),
        "excluded": excludes.by_user,
        "excluded_by_default": excludes.by_default,
        "useless_excludes": tuple(excludes.of_no_use),
    }
