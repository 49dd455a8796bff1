"""Writes a stream's records to a set, and keeps those before whatever ends it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgefeat.sets.sink import Sink
    from edgefeat.streaming.stream import Stream

__all__ = ["record"]


def record(
    stream: Stream,
    sink: Sink,
    *,
    frames: int | None = None,
    meanwhile: AbstractContextManager[object] | None = None,
) -> None:
    """Write a stream's records to a sink, and commit them.

    Whatever ends the stream (its end, a call of `stop`, an error of its source), the records before
    it are kept, unless the sink itself failed.

    Args:
        stream: Started and ended here.
        sink: Takes the records; `edgefeat.sets.formats.open_sink` opens one by its name.
        frames: End after so many records.
        meanwhile: Entered while frames come, and left before the records are committed, such as
            what listens for signals.
    """
    writing = False
    try:
        with meanwhile or nullcontext(), stream:
            for count, result in enumerate(stream, 1):
                writing = True
                sink.write(result)
                writing = False
                if count == frames:
                    break
    finally:
        if not writing:
            sink.commit()
