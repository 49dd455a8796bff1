"""What the single-file sinks share, and the two text formats.

A sink takes one named vector at a time and spools it beside its target; `commit` puts the finished
file in place with one rename. Until then a file that was there before stays as it was.
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from edgefeat.sets.atomic import explained, publish, spool_beside
from edgefeat.sets.base import Features, SetInfo, numbers, write_record
from edgefeat.sets.encoding import Fidelity

__all__ = ["CsvSink", "FileSink", "JsonLinesSink", "sidecar_path"]


def sidecar_path(path: Path) -> Path:
    """Return where the facts of a `.npy` or `.csv` set stand: beside it."""
    return path.with_name(path.name + ".json")


class FileSink:
    """A spool beside the target, and one rename at the end.

    `fidelity` is what storing cost the worst vector so far; None where nothing is lost.
    """

    def __init__(self, path: Path, info: SetInfo) -> None:
        self._path, self._info = path, info
        self._names: list[str] = []
        self.fidelity: Fidelity | None = None
        with explained(path):
            self._spool = spool_beside(path)

    def write(self, name: str, features: Features) -> None:
        """Take one vector: float32 `(D,)`."""
        if features.shape != (self._info.dim,):
            raise ValueError(f"features: expected shape ({self._info.dim},), got {features.shape}")
        with explained(self._path):
            self._put(name, features)
        self._names.append(name)

    def commit(self) -> None:
        """Put the finished set in place."""
        with explained(self._path):
            self._finish()
            publish(self._spool, self._path)

    def close(self) -> None:
        """Remove the spool unless it was committed."""
        with suppress(OSError):  # the disk may be full, but this file is given up anyway
            self._spool.close()
        Path(self._spool.name).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _put(self, name: str, features: Features) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        """Complete the spool before it is renamed."""

    def _sidecar(self) -> None:
        """Say beside formats without room for it what the rows are."""
        facts = {**asdict(self._info), "rows": len(self._names), "paths": self._names}
        with spool_beside(self._path) as spool:
            spool.write(json.dumps(facts, indent=1).encode())
            publish(spool, sidecar_path(self._path))


class JsonLinesSink(FileSink):
    """One JSON object a line: path, fingerprint, features."""

    def _put(self, name: str, features: Features) -> None:
        text = io.StringIO()
        write_record(text, name, features, self._info)
        self._spool.write(text.getvalue().encode())


class CsvSink(FileSink):
    """A header and one line a picture, with a sidecar of facts."""

    def _put(self, name: str, features: Features) -> None:
        if not self._names:
            self._row(["path", *(f"f{i:04}" for i in range(self._info.dim))])
        self._row([name, *numbers(features)])

    def _row(self, cells: list[object]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        self._spool.write(text.getvalue().encode("utf-8", "surrogateescape"))

    def _finish(self) -> None:
        self._sidecar()
