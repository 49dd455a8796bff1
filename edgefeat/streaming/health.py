"""Live numbers of a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Health", "OnHealth"]


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
        pid: The process.
        version: Version of edgefeat.
        device: What the device is called.
        camera: What the user calls the camera.
        session: Which run of a stream this is.
        model: The model's name; None if the extractor states none.
        reconnects: Connections after the first one, tried or made.
        last_frame_age_s: Seconds since the source gave a frame; None before the first.
        last_record_age_s: Seconds since the last record; None before the first.
        last_error: What last went wrong with the source; None if nothing has.
        busy_s: Seconds since the loop took a frame and has not asked for the next: it is in
            inference, or in what the records are given to.
        latency_window_s: The percentiles are of the vectors of the last so many seconds.
        latency_count: How many vectors those are, at most 1024.
        latency_p50_ms: Median time from capture to vector in that window; None with fewer vectors
            than the percentile needs: 11 for this one.
        latency_p95_ms: The 95th percentile; it needs 130 vectors.
        latency_p99_ms: The 99th percentile; it needs 662 vectors.
        motion_p50: Median of how much pictures changed, in grey levels, over the last 1024 frames
            looked at; None with fewer than 11.
        motion_p99: The 99th percentile; it needs 662.
        novelty_threshold: What `novelty` is now, as with `auto` it follows the scene; None without
            the gate.
        novelty_p50: Median cosine distance of features, over the last 1024 vectors.
        novelty_p99: The 99th percentile.
        cpu_s_per_frame: CPU time of the whole process since the start, in seconds per vector;
            None before the first vector.
        uptime_s: Seconds since the stream was made.
        updated_at: Unix time of these numbers, in seconds.
    """

    pid: int
    version: str
    device: str
    camera: str
    session: str
    source: str
    model: str | None
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
    reconnects: int
    last_frame_age_s: float | None
    last_record_age_s: float | None
    last_error: str | None
    busy_s: float
    latency_window_s: float
    latency_count: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    motion_p50: float | None
    motion_p99: float | None
    novelty_threshold: float | None
    novelty_p50: float | None
    novelty_p99: float | None
    cpu_s_per_frame: float | None
    uptime_s: float
    updated_at: float


OnHealth: TypeAlias = Callable[[Health], None]
