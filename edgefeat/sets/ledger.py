"""The error ledger: one JSON line for every picture that gave no features, and why."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from edgefeat.sets.atomic import explained, publish, spool_beside
from edgefeat.sets.base import Failure, Features
from edgefeat.sets.encoding import Fidelity
from edgefeat.sets.text import FileSink

__all__ = ["LedgerSink", "ledger_path"]


def ledger_path(output: Path) -> Path:
    """Return where the ledger of a feature file stands: beside it."""
    return output.with_name(output.name + ".errors.jsonl")


class LedgerSink:
    """A feature file's sink with its ledger: FILE.errors.jsonl, there only if something failed.

    A run without a single row leaves FILE as it was, and says why in the ledger.
    """

    def __init__(self, sink: FileSink, output: Path) -> None:
        self._sink, self._path = sink, ledger_path(output)
        self.rows = self._failures = 0
        with explained(self._path):
            self._spool = spool_beside(self._path)

    def write(self, name: str, features: Features) -> None:
        """Take one vector: float32 `(D,)`."""
        self._sink.write(name, features)
        self.rows += 1

    def fail(self, failure: Failure) -> None:
        """Take one failure."""
        with explained(self._path):
            self._spool.write(failure.to_json().encode())
        self._failures += 1

    @property
    def fidelity(self) -> Fidelity | None:
        """What storing cost the worst vector so far; None where nothing is lost."""
        return self._sink.fidelity

    def commit(self) -> None:
        """Put the set and its ledger in place; a ledger of an earlier run goes."""
        if self.rows:
            self._sink.commit()
        with explained(self._path):
            if self._failures:
                publish(self._spool, self._path)
            else:
                self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give up whatever was not committed; closing twice is fine."""
        self._sink.close()
        with suppress(OSError):  # as in FileSink.close
            self._spool.close()
        Path(self._spool.name).unlink(missing_ok=True)
