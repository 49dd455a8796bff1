"""Live numbers of a stream: rates, drops, latency and CPU time."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from edgefeat.atomic import check_place, write_text
from edgefeat.measures.percentiles import stated
from edgefeat.streaming.events import STATES, EventKind

__all__ = ["Health", "Meter", "OnHealth", "health_file"]

_RATE_WINDOW_S = 5.0
_KEPT_LATENCIES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a stream is doing.

    Once a stream has ended without an error, `captured` is the sum of `emitted`, `dropped`,
    `discarded`, `repeated`, `garbage` and the three `skipped_*`.

    Attributes:
        source: What the source is called; never with a password.
        fingerprint: The model's; vectors of two fingerprints must not be compared.
        state: `connecting`, `streaming`, `stalled`, `frozen`, `lost` or `ended`.
        fps_in: Frames a second that the source gave over the last 5 seconds.
        fps_out: Records a second over the last 5 seconds.
        captured: Frames that the source gave.
        emitted: Records.
        dropped: Frames that made room for newer ones.
        discarded: Frames that were thrown away because the stream was stopped, or because their
            connection had been given up before they came.
        repeated: Frames that the source gave again after a reconnect; they are left out.
        skipped_rate: Frames left out by `fps` or `every`.
        skipped_motion: Frames left out by `motion`.
        skipped_novelty: Frames left out by `novelty`.
        garbage: Frames that were damaged.
        losses: Connections that were lost after they had given frames.
        untold: Events and reports that were not told: the callback was too slow, or raised.
        latency_p50_ms: Median time from capture to vector of the last 1024 vectors; None with
            fewer vectors than the percentile needs: 11 for this one.
        latency_p95_ms: The 95th percentile; it needs 130 vectors.
        latency_p99_ms: The 99th percentile; it needs 662 vectors.
        cpu_s_per_frame: CPU time of the whole process since the start, in seconds per vector;
            None before the first vector.
        uptime_s: Seconds since the stream was made.
        updated_at: Unix time of these numbers, in seconds.
    """

    source: str
    fingerprint: str
    state: str
    fps_in: float
    fps_out: float
    captured: int
    emitted: int
    dropped: int
    discarded: int
    repeated: int
    skipped_rate: int
    skipped_motion: int
    skipped_novelty: int
    garbage: int
    losses: int
    untold: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    cpu_s_per_frame: float | None
    uptime_s: float
    updated_at: float


OnHealth: TypeAlias = Callable[[Health], None]


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
        started_at: `time.monotonic()` when the stream was made.
    """

    def __init__(self) -> None:
        self.captured = self.garbage = self.discarded = self.repeated = 0
        self.undecodable = self.emitted = 0
        self.losses = 0
        self.state = "connecting"
        self.started_at = time.monotonic()
        self._cpu_at_start = time.process_time()
        self._latency_ms = np.zeros(_KEPT_LATENCIES, np.float32)
        self._inferred = 0
        self._marks: deque[tuple[float, int, int]] = deque([(self.started_at, 0, 0)])

    def note(self, kind: EventKind) -> None:
        """Note an event: the state that it begins, and whether it is a loss."""
        self.losses += kind is EventKind.LOST
        if kind in STATES:
            streaming = kind in (EventKind.CONNECTED, EventKind.RECOVERED)
            self.state = "streaming" if streaming else kind.value

    def inferred(self, latency_ms: float) -> None:
        """Count one vector and how old its frame was."""
        self._latency_ms[self._inferred % _KEPT_LATENCIES] = latency_ms
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

    def percentiles_ms(self, *quantiles: float) -> list[float | None]:
        """Return percentiles of the last latencies; None for each that they are too few for."""
        ascending = np.sort(self._latency_ms[: min(self._inferred, _KEPT_LATENCIES)])
        found = [stated(ascending, quantile) for quantile in quantiles]  # type: ignore[arg-type]
        return [None if value is None else round(value, 2) for value in found]

    def cpu_s_per_frame(self) -> float | None:
        """Return the process's CPU time since the start, per inference."""
        if not self._inferred:
            return None
        return round((time.process_time() - self._cpu_at_start) / self._inferred, 6)


def health_file(path: Path) -> OnHealth:
    """Return what writes each report to a file, replaced in one step.

    Raises:
        SinkError: The file's folder is missing or cannot be written to, or the path is a folder.
            What is returned raises it too, if the file cannot be written.
    """
    check_place(path)

    def write(health: Health) -> None:
        # Each second: not worth a write of a device's flash memory, which a power cut forgives.
        write_text(path, json.dumps(asdict(health), indent=1) + "\n", durable=False)

    return write
