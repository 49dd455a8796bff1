"""What was not taken, counted by kind, with an example and what the user can do."""

from __future__ import annotations

from edgefeat.errors import SourceError
from edgefeat.pictures.kind import Group, Kind

__all__ = ["Skipped", "Tally"]


class Skipped:
    """The files of one kind that were not taken.

    Attributes:
        kind: What they are.
        count: How many.
        example: The first one.
    """

    def __init__(self, kind: Kind, example: str) -> None:
        self.kind, self.count, self.example = kind, 0, example


class Tally:
    """Counts files by kind."""

    def __init__(self) -> None:
        self._by_key: dict[str, Skipped] = {}

    def count(self, kind: Kind, path: str, times: int = 1) -> None:
        """Count a file.

        Args:
            kind: What the file is.
            path: Path of the file, kept as the example of its kind if it is the first.
            times: How many files to count.
        """
        found = self._by_key.setdefault(kind.key, Skipped(kind, path))
        found.count += times

    def add(self, other: Tally) -> None:
        """Count what another one counted."""
        for skipped in other.kinds():
            self.count(skipped.kind, skipped.example, skipped.count)

    def kinds(self) -> list[Skipped]:
        """Return what was counted: pictures first, and the most frequent first among each."""
        return sorted(
            self._by_key.values(),
            key=lambda one: (one.kind.group is not Group.UNREAD, -one.count, one.kind.key),
        )

    def counts(self) -> dict[str, int]:
        """Return how many of each kind, by the kind's key."""
        return {skipped.kind.key: skipped.count for skipped in self.kinds()}

    def as_error(self, where: str, what: str, place: str) -> SourceError:
        """Return the error of a source without a picture that is read.

        Args:
            where: The source.
            what: What it is: "this folder".
            place: Where its files are: "below it".
        """
        kinds = self.kinds()
        if not kinds:
            problem = f"{what} names no file" if place == "that match" else f"no file in {what}"
            remedy = "Check it, and quote it." if place == "that match" else "Check the path."
            return SourceError(problem, where=where, remedy=remedy)
        total = sum(one.count for one in kinds)
        listed = ", ".join(f"{one.count} {one.kind.key}" for one in kinds[:5])
        more = ", ..." if len(kinds) > 5 else ""
        files = "the only file" if total == 1 else f"none of the {total} files"
        verb = "is no picture that is read" if total == 1 else "is a picture that is read"
        return SourceError(
            f"{files} {place} {verb}: {listed}{more}",
            where=where,
            remedy=None if kinds[0].kind.group is Group.UNKNOWN else kinds[0].kind.remedy,
        )
