"""What the sinks for one whole file share: spooled beside its place, renamed into it at the end.

Until `commit` a file that was there before stays as it was. Pictures that failed are listed in a
ledger beside the file. A run without a single row leaves the file as it was, and says why in the
ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from edgefeat.atomic import Spool, explained
from edgefeat.errors import SinkError
from edgefeat.model import codec
from edgefeat.sets.encoding import Stored, StoreLoss, encode
from edgefeat.sets.info import SetInfo
from edgefeat.sets.json_line import encode_line
from edgefeat.sets.ledger import Ledger
from edgefeat.sets.record import Failure, FeatureRecord
from edgefeat.sets.sink import SinkBase, SinkSummary

__all__ = ["JsonLinesFileSink", "SidecarSink", "WholeFileSink", "sidecar_path"]

_UNCHANGED = "Nothing was replaced."


def sidecar_path(path: Path) -> Path:
    """Return where the facts of a `.npy` or `.csv` set stand: beside it."""
    return path.with_name(path.name + ".json")


class WholeFileSink(SinkBase):
    """A spool beside the file, and one rename at the end.

    Args:
        path: Where the file will be.
        info: What the rows have in common.
        overwrite: Whether a file that stands there by then may go.

    Raises:
        SinkError: The folder is missing or cannot be written to.
    """

    def __init__(self, path: Path, info: SetInfo, *, overwrite: bool = False) -> None:
        self._path, self._info, self._overwrite = path, info, overwrite
        self._rows = self._published = 0
        self._loss: StoreLoss | None = None
        with explained(path):
            self._spool = Spool(path)
            self._ledger = Ledger(path)

    def write(self, record: FeatureRecord) -> None:
        """Take one record."""
        with self._named():
            arrays = self._info.split(self._info.flat(record)[np.newaxis])
            rows = [encode(features, self._info.store) for features in arrays]
            self._lost(row.loss for row in rows)
            self._put(record, rows)
        self._count(record)

    def fail(self, failure: Failure) -> None:
        """Take one picture that gave no features."""
        self._ledger.add(failure)

    def commit(self) -> None:
        """Put the set and its ledger in place; a ledger of an earlier run goes."""
        if self._rows:
            with self._named():
                self._finish()
                self._publish()
            self._published = self._rows
        self._ledger.publish()

    def summary(self) -> SinkSummary:
        """Count what stands in the file."""
        return SinkSummary(
            rows=self._published,
            failures=self._ledger.count,
            damaged=self._ledger.damaged,
            loss=self._loss if self._published else None,
        )

    def close(self) -> None:
        """Give up whatever was not committed; closing twice is fine."""
        self._spool.discard()
        self._ledger.close()

    def _count(self, record: FeatureRecord) -> None:
        self._rows += 1
        if record.damage is not None:
            self._ledger.add_damaged(record.path, record.damage)

    def _put(self, record: FeatureRecord, rows: Sequence[Stored]) -> None:
        """Take one record, and for each output its row as it is kept."""
        raise NotImplementedError

    def _finish(self) -> None:
        """Complete the spool before it is renamed."""

    def _publish(self) -> None:
        self._spool.publish(replace=self._overwrite)

    def _lost(self, losses: Iterable[StoreLoss | None]) -> None:
        for loss in losses:
            if loss is not None:
                self._loss = loss.worst(self._loss)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say in every error which file is meant."""
        with explained(self._path, kept=_UNCHANGED):
            try:
                yield
            except SinkError as error:
                error.within(self._path)
                raise


class JsonLinesFileSink(WholeFileSink):
    """JSON lines in a file that appears whole."""

    def write(self, record: FeatureRecord) -> None:
        """Take one record."""
        with self._named():
            line, loss = encode_line(record, self._info)
            self._lost([loss])
            self._spool.file.write(line)
        self._count(record)


class SidecarSink(WholeFileSink):
    """A file whose format has no room for facts: they stand in a file beside it.

    Both cannot be replaced in one step. So the facts of a file that was there before go first, and
    the new ones come last: whoever is killed in between leaves a file without facts, which is not
    read, and never one with another's.
    """

    def _publish(self) -> None:
        sidecar = sidecar_path(self._path)
        with Spool(sidecar) as spool:
            self._write_facts(spool)
            for file in (spool, self._spool):
                file.sync()  # slow; from here on it is a matter of names
            if self._overwrite:
                sidecar.unlink(missing_ok=True)
            super()._publish()
            spool.publish(replace=self._overwrite)

    def _write_facts(self, spool: Spool) -> None:
        facts: dict[str, Any] = {**codec.write(self._info), "rows": self._rows}
        spool.file.write(json.dumps(facts, indent=1).encode() + b"\n")
