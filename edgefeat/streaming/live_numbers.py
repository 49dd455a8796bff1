"""Puts a stream's counts, times and distances together as its live numbers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from edgefeat.streaming.capture.buffer import Buffer
from edgefeat.streaming.gates.gates import Pacer
from edgefeat.streaming.health import Health
from edgefeat.streaming.inference import Inference
from edgefeat.streaming.meter import LATENCY_WINDOW_S, Meter, percentile_ms
from edgefeat.streaming.names import Names
from edgefeat.streaming.outlet import Outlet

__all__ = ["live_numbers"]


def live_numbers(
    source: str,
    names: Names,
    inference: Inference,
    meter: Meter,
    buffer: Buffer,
    pacer: Pacer,
    outlets: Sequence[Outlet[Any]],
) -> Health:
    """Return the live numbers of a stream.

    Args:
        source: What the source is called.
        names: What device, camera and session are called.
        inference: What the loop does with frames.
        meter: Counts and times.
        buffer: Where frames wait.
        pacer: Chooses frames.
        outlets: What tells events and reports.
    """
    now = time.monotonic()
    fps_in, fps_out = meter.rates(now)
    latencies = meter.latencies_ms(now)
    busy_since, watch = meter.busy_since, inference.watch
    return Health(
        pid=os.getpid(),
        version=sys.modules["edgefeat"].__version__,  # an import would run up the floors
        device=names.device,
        camera=names.camera or source,
        session=names.session,
        source=source,
        model=inference.model,
        fingerprint=inference.fingerprint,
        state=meter.state,
        fps_in=round(fps_in, 2),
        fps_out=round(fps_out, 2),
        captured=meter.captured,
        emitted=meter.emitted,
        dropped=buffer.dropped,
        discarded=meter.discarded + buffer.discarded,
        repeated=meter.repeated,
        skipped_rate=pacer.skipped,
        skipped_motion=watch.skipped_motion,
        skipped_novelty=watch.skipped_novelty,
        garbage=meter.garbage + meter.undecodable,
        losses=meter.losses,
        untold=sum(outlet.untold for outlet in outlets),
        reconnects=max(0, meter.reconnects),
        last_frame_age_s=_age_s(meter.last_frame_at, now),
        last_record_age_s=_age_s(meter.last_record_at, now),
        last_error=meter.last_error,
        busy_s=0.0 if busy_since is None else round(now - busy_since, 3),
        latency_window_s=LATENCY_WINDOW_S,
        latency_count=len(latencies),
        latency_p50_ms=percentile_ms(latencies, 0.5),
        latency_p95_ms=percentile_ms(latencies, 0.95),
        latency_p99_ms=percentile_ms(latencies, 0.99),
        motion_p50=watch.motions.percentile(0.5, digits=2),
        motion_p99=watch.motions.percentile(0.99, digits=2),
        novelty_threshold=watch.novelty_threshold,
        novelty_p50=watch.novelties.percentile(0.5, digits=6),
        novelty_p99=watch.novelties.percentile(0.99, digits=6),
        cpu_s_per_frame=meter.cpu_s_per_frame(),
        uptime_s=round(now - meter.started_at, 3),
        updated_at=time.time(),
    )


def _age_s(moment: float | None, now: float) -> float | None:
    return None if moment is None else round(max(0.0, now - moment), 3)
