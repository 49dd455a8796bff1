"""What is asked of the cameras of a group together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from edgefeat.errors import EdgefeatError, SourceError
from edgefeat.streaming.several.camera_stream import CameraStream

__all__ = ["explained", "join_all", "stuck_s", "summed_up"]


def join_all(members: Sequence[CameraStream], timeout_s: float) -> None:
    """Wait for the threads of cameras that were told to stop, but no longer than so many seconds.

    Args:
        members: The cameras.
        timeout_s: How long to wait for all together.
    """
    deadline = time.monotonic() + timeout_s
    for one in members:
        one.join(max(0.0, deadline - time.monotonic()))


def stuck_s(members: Sequence[CameraStream]) -> float:
    """Return for how many seconds there has been work on a frame, and none has been done."""
    busy = [one.busy_since for one in members if one.busy_since is not None]
    if not busy:
        return 0.0
    return max(0.0, time.monotonic() - max(min(busy), *(one.worked_at for one in members)))


def explained(name: str, error: EdgefeatError) -> str:
    """Return what ended a camera, in words that begin with its name."""
    return error.message() if error.where == name else f"{name}: {error.message()}"


def summed_up(failures: Mapping[str, EdgefeatError], count: int) -> SourceError:
    """Return one error for those of several cameras.

    Args:
        failures: What ended each, by name; at least one.
        count: How many cameras there are.
    """
    shown = " ".join(explained(name, error) for name, error in failures.items())
    return SourceError(f"{len(failures)} of {count} cameras ended by an error: {shown}")
