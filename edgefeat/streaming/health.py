"""Live numbers of a stream: rates, drops, latency and CPU time."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from edgefeat.errors import SinkError
from edgefeat.streaming.events import EventKind

__all__ = ["Health", "Meter", "OnHealth", "health_file"]

_RATE_WINDOW_S = 5.0
_LATENCIES = 1024
# The fewest samples that can have a value beyond the percentile.
_NEEDED = {50: 2, 95: 20, 99: 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a stream is doing; latencies are from capture to vector, None with too few frames."""

    source: str
    fingerprint: str
    state: str
    fps_in: float
    fps_out: float
    captured: int
    emitted: int
    dropped: int
    skipped_rate: int
    skipped_motion: int
    skipped_novelty: int
    garbage: int
    losses: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    cpu_s_per_frame: float | None
    uptime_s: float
    updated_at: float


OnHealth: TypeAlias = Callable[[Health], None]


class Meter:
    """Counts and times; every field is written by one thread only."""

    def __init__(self) -> None:
        self.captured = self.garbage = self.losses = 0  # capture side
        self.emitted = 0  # consumer
        self.state = "connecting"
        self.started_at = time.monotonic()
        self._cpu_at_start = time.process_time()
        self._latency_ms = np.zeros(_LATENCIES, np.float32)
        self._inferred = 0
        self._marks: deque[tuple[float, int, int]] = deque([(self.started_at, 0, 0)])

    def enter(self, kind: EventKind) -> None:
        """Note the state that an event begins."""
        streaming = kind in (EventKind.CONNECTED, EventKind.RECOVERED)
        self.state = "streaming" if streaming else kind.value

    def inferred(self, latency_ms: float) -> None:
        """Count one vector and how old its frame was."""
        self._latency_ms[self._inferred % _LATENCIES] = latency_ms
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

    def percentile_ms(self, percent: int) -> float | None:
        """Return a percentile of the last latencies; None where they are too few for it."""
        count = min(self._inferred, _LATENCIES)
        if count < _NEEDED[percent]:
            return None
        # Nearest rank; np.percentile would load numpy.ma, a megabyte, on its first call.
        ordered = np.sort(self._latency_ms[:count])
        return round(float(ordered[-(-percent * count // 100) - 1]), 2)

    def cpu_s_per_frame(self) -> float | None:
        """Return the process's CPU time since the start, per inference."""
        if not self._inferred:
            return None
        return round((time.process_time() - self._cpu_at_start) / self._inferred, 6)


def health_file(path: Path) -> OnHealth:
    """Return what writes each report to a file, replaced in one step."""

    def write(health: Health) -> None:
        spare = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            spare.write_text(json.dumps(asdict(health), indent=1) + "\n")
            spare.replace(path)
        except OSError as error:
            raise SinkError(f"{path}: cannot be written: {error.strerror}.") from error

    return write
