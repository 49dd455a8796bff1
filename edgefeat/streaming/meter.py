"""Counts and times of one stream, which its live numbers are made of."""

from __future__ import annotations

import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

from edgefeat.measures.percentiles import stated
from edgefeat.streaming.events import STATES, Event, EventKind

__all__ = ["LATENCY_WINDOW_S", "Meter", "percentile_ms"]

LATENCY_WINDOW_S = 60.0
_RATE_WINDOW_S = 5.0
_KEPT_LATENCIES = 1024


class Meter:
    """Counts and times of one stream.

    Attributes:
        captured: Frames that the source gave. This and the next three are written under the
            buffer's lock.
        garbage: Frames that were damaged when they came.
        discarded: Frames whose connection had been given up.
        repeated: Frames that were given before.
        undecodable: Frames that the loop found damaged. Written by the loop, as is the next one.
        emitted: Records.
        losses: Connections lost. Written by the supervisor, as is the next one.
        state: What the stream is doing; see `Health.state`.
        reconnects: Connections after the first one.
        last_error: What last went wrong with the source.
        last_frame_at: `time.monotonic()` of the last frame; None before the first. Written under
            the buffer's lock.
        last_record_at: `time.monotonic()` of the last record; None before the first. Written by the
            loop, as is the next one.
        busy_since: `time.monotonic()` when the loop took the frame that it works on.
        worked_at: `time.monotonic()` when the loop was last done with a frame.
        started_at: `time.monotonic()` when the stream was made.
    """

    def __init__(self) -> None:
        self.captured = self.garbage = self.discarded = self.repeated = 0
        self.undecodable = self.emitted = 0
        self.losses = 0
        self.state = "connecting"
        self.reconnects = -1  # the first connection is none
        self.last_error: str | None = None
        self.last_frame_at: float | None = None
        self.last_record_at: float | None = None
        self.busy_since: float | None = None
        self.started_at = self.worked_at = time.monotonic()
        self._cpu_at_start = time.process_time()
        self._latency_ms = np.zeros(_KEPT_LATENCIES, np.float32)
        self._latency_at = np.zeros(_KEPT_LATENCIES, np.float64)
        self._inferred = 0
        self._marks: deque[tuple[float, int, int]] = deque([(self.started_at, 0, 0)])

    def note(self, event: Event) -> None:
        """Note an event: the state that it begins, whether it is a loss, and its error."""
        kind = event.kind
        self.losses += kind is EventKind.LOST
        if event.error is not None and kind is not EventKind.GARBAGE:
            self.last_error = event.message
        if kind in STATES:
            streaming = kind in (EventKind.CONNECTED, EventKind.RECOVERED)
            self.state = "streaming" if streaming else kind.value

    def inferred(self, latency_ms: float) -> None:
        """Count one vector and how old its frame was."""
        place = self._inferred % _KEPT_LATENCIES
        self._latency_ms[place], self._latency_at[place] = latency_ms, time.monotonic()
        self._inferred += 1

    def rates(self, now: float) -> tuple[float, float]:
        """Return frames in and out per second over the last seconds."""
        marks = self._marks
        marks.append((now, self.captured, self.emitted))
        while len(marks) > 2 and now - marks[1][0] >= _RATE_WINDOW_S:
            marks.popleft()
        then, captured, emitted = marks[0]
        elapsed = max(now - then, 1e-3)
        return (self.captured - captured) / elapsed, (self.emitted - emitted) / elapsed

    def latencies_ms(self, now: float) -> NDArray[np.float32]:
        """Return the latencies of the last `LATENCY_WINDOW_S`, ascending, at most 1024."""
        count = min(self._inferred, _KEPT_LATENCIES)
        recent = self._latency_at[:count] >= now - LATENCY_WINDOW_S
        return np.sort(self._latency_ms[:count][recent])

    def cpu_s_per_frame(self) -> float | None:
        """Return the process's CPU time since the start, per inference."""
        if not self._inferred:
            return None
        return round((time.process_time() - self._cpu_at_start) / self._inferred, 6)


def percentile_ms(ascending: NDArray[np.float32], quantile: float) -> float | None:
    """Return a percentile of times in ms, float32 `(N,)`; None if they are too few for it."""
    value = stated(ascending, quantile)  # type: ignore[arg-type]
    return None if value is None else round(value, 2)
