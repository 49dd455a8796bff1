"""The error ledger of a feature file: a line for each failed or damaged picture."""

from __future__ import annotations

from pathlib import Path

from edgefeat.atomic import Spool, explained
from edgefeat.sets.record import Failure, damage_line

__all__ = ["Ledger", "ledger_path"]


def ledger_path(output: Path) -> Path:
    """Return where the ledger of a feature file stands: beside it."""
    return output.with_name(output.name + ".errors.jsonl")


class Ledger:
    """FILE.errors.jsonl, there only if a picture failed or is damaged.

    Args:
        output: The feature file.

    Args:
        output: The output that the ledger belongs to.

    Attributes:
        count: Failures taken.
        damaged: Damaged pictures taken.

    Raises:
        SinkError: The folder is missing or cannot be written to.
    """

    def __init__(self, output: Path) -> None:
        self._path = ledger_path(output)
        self.count = self.damaged = 0
        with explained(self._path):
            self._spool = Spool(self._path)

    def add(self, failure: Failure) -> None:
        """Take one failure."""
        self._write(failure.to_json())
        self.count += 1

    def add_damaged(self, path: str, damage: str) -> None:
        """Take one damaged picture, whose features are in the file all the same."""
        self._write(damage_line(path, damage))
        self.damaged += 1

    def publish(self) -> None:
        """Put the ledger in place; where nothing failed, that of an earlier run goes."""
        with explained(self._path):
            if self.count or self.damaged:
                self._spool.publish()
            else:
                self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give up what was not published; closing twice is fine."""
        self._spool.discard()

    def _write(self, line: str) -> None:
        with explained(self._path):
            self._spool.file.write(line.encode())
