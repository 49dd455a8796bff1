"""A sink that begins anew when its output is full, so that no file and no index grows for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from edgefeat.options.keeping import PartLimit
from edgefeat.sets.parts import Parts
from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.sink import Sink, SinkBase, SinkSummary

__all__ = ["OpenPart", "RotatingSink"]

_LOOK_EVERY_S = 10.0  # at the size of a folder


class OpenPart(Protocol):
    """Opens the output at the place of the parts."""

    def __call__(self, *, first: bool) -> Sink:
        """Open it; `first` goes on with or replaces what is there, as the user said."""


class RotatingSink(SinkBase):
    """Writes into a part until it is full, closes and renames it, and goes on with the next.

    Args:
        path: The output: the part that is being written.
        open_part: Opens it.
        limit: When a part is full.
        parts: The full ones.
        clock: Gives the Unix time in seconds.
    """

    def __init__(
        self,
        path: Path,
        open_part: OpenPart,
        limit: PartLimit,
        parts: Parts,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path, self._open_part, self._limit = path, open_part, limit
        self._parts, self._clock = parts, clock
        there = path.exists()
        last_s = path.stat().st_mtime if there else clock()
        self._sink = open_part(first=True)
        self._begun_s = last_s if self._sink.summary().rows else clock()
        self._closed_rows = 0
        self._resumed = self._sink.summary().resumed
        self._looked_at = float("-inf")

    def write(self, record: FeatureRecord) -> None:
        """Take one record, in a new part if the last one is full."""
        if self._is_full():
            self._begin_part()
        self._sink.write(record)

    def commit(self) -> None:
        """Put the part that is being written in place."""
        self._sink.commit()

    def summary(self) -> SinkSummary:
        """Count the records of this run, and those that the first part had before."""
        now = self._sink.summary()
        return SinkSummary(
            rows=self._closed_rows + now.rows,
            resumed=self._resumed,
            failures=now.failures,
            loss=now.loss,
        )

    def close(self) -> None:
        """Close the part that is being written; closing twice is fine."""
        self._sink.close()
        self._parts.close()

    def _is_full(self) -> bool:
        if not self._sink.summary().rows:
            return False
        period_s = self._limit.period_s
        if period_s is not None and self._clock() // period_s != self._begun_s // period_s:
            return True
        return self._limit.size_bytes is not None and self._size() >= self._limit.size_bytes

    def _size(self) -> int:
        if self._path.is_file():
            return self._path.stat().st_size
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY_S:
            return 0
        self._looked_at = now
        return sum(one.stat().st_size for one in self._path.iterdir() if one.is_file())

    def _begin_part(self) -> None:
        self._closed_rows += self._sink.summary().rows
        self._sink.commit()
        self._sink.close()
        self._parts.add()
        self._sink = self._open_part(first=False)
        self._begun_s, self._looked_at = self._clock(), float("-inf")
