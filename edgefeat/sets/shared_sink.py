"""A sink that several threads write to, one record at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.sink import Sink, SinkBase, SinkSummary

__all__ = ["SharedSink"]


class SharedSink(SinkBase):
    """Writes to another sink, which stays the caller's to commit and close.

    Args:
        sink: Takes the records.
        broken: Called with the first error of the sink, in the thread that wrote. No record is
            written after it.
    """

    def __init__(self, sink: Sink, broken: Callable[[BaseException], None]) -> None:
        self._sink, self._broken = sink, broken
        self._lock = threading.Lock()
        self._error: BaseException | None = None

    def write(self, record: FeatureRecord) -> None:
        """Take one record."""
        with self._lock:
            if self._error is not None:
                raise self._error
            try:
                self._sink.write(record)
            except BaseException as error:
                self._error = error
                self._broken(error)
                raise

    def summary(self) -> SinkSummary:
        """Say what stands in the output now, by all threads."""
        with self._lock:
            return self._sink.summary()
