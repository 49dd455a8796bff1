"""Live numbers of several cameras in one document."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from edgefeat.streaming.health import Health
from edgefeat.streaming.outlet import Outlet
from edgefeat.streaming.several.camera_stream import CameraStream

__all__ = ["GroupHealth", "OnGroupHealth", "group_numbers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupHealth:
    """How several cameras in one process are doing.

    Attributes:
        pid: The process.
        version: Version of edgefeat.
        device: What the device is called.
        state: `running`, or `ended` once all cameras have, or the group was closed.
        streaming: How many cameras give frames now.
        fps_in: Frames a second that all sources together gave over the last 5 seconds.
        fps_out: Records a second of all cameras over the last 5 seconds.
        captured: Frames that the sources gave.
        emitted: Records.
        untold: Events and reports that were not told: the callback was too slow, or raised.
        cpu_s_per_frame: CPU time of the process since the start, in seconds per vector; None before
            the first vector. The cameras' own sections have None: the process is shared.
        uptime_s: Seconds since the group was made.
        updated_at: Unix time of these numbers, in seconds.
        cameras: The live numbers of each camera, by name. The sums above are over these.
    """

    pid: int
    version: str
    device: str
    state: str
    streaming: int
    fps_in: float
    fps_out: float
    captured: int
    emitted: int
    untold: int
    cpu_s_per_frame: float | None
    uptime_s: float
    updated_at: float
    cameras: Mapping[str, Health]


OnGroupHealth: TypeAlias = Callable[[GroupHealth], None]


def group_numbers(
    device: str,
    members: Mapping[str, CameraStream],
    outlets: Sequence[Outlet[Any]],
    *,
    ended: bool,
    started_at: float,
    cpu_s: float,
) -> GroupHealth:
    """Return the live numbers of a group.

    Args:
        device: What the device is called.
        members: The cameras by name.
        outlets: What tells events and reports.
        ended: Whether the group was closed.
        started_at: `time.monotonic()` when the group was made, in seconds.
        cpu_s: CPU time of the process since then, in seconds.
    """
    cameras = {name: replace(m.health(), cpu_s_per_frame=None) for name, m in members.items()}
    each = list(cameras.values())
    vectors = sum(one.emitted + one.skipped_novelty for one in each)
    return GroupHealth(
        pid=os.getpid(),
        version=sys.modules["edgefeat"].__version__,  # an import would run up the floors
        device=device,
        state="ended" if ended or all(one.is_over for one in members.values()) else "running",
        streaming=sum(one.state == "streaming" for one in each),
        fps_in=round(sum(one.fps_in for one in each), 2),
        fps_out=round(sum(one.fps_out for one in each), 2),
        captured=sum(one.captured for one in each),
        emitted=sum(one.emitted for one in each),
        untold=sum(outlet.untold for outlet in outlets),
        cpu_s_per_frame=round(cpu_s / vectors, 6) if vectors else None,
        uptime_s=round(time.monotonic() - started_at, 3),
        updated_at=time.time(),
        cameras=cameras,
    )
