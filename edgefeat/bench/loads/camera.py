"""Frames at a fixed pace, of which the newest is taken: how old they are when done.

A frame that a newer one overtakes is dropped and counted, as `edgefeat stream` does it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import Any, Protocol

import numpy as np

from edgefeat.bench.load_results import Camera
from edgefeat.bench.pipeline import Pipeline
from edgefeat.bench.plan import CameraLoad
from edgefeat.bench.statistics.summary import latency_summary

__all__ = ["Clock", "camera"]

_DECODED_PICTURES = 8  # a decoded picture takes some ten times the memory of its file
_MS_PER_S = 1e3


class Clock(Protocol):
    """Time, as the module `time` gives it; tests pass a clock of their own."""

    def perf_counter(self) -> float:
        """Return the time in seconds."""

    def sleep(self, seconds: float, /) -> None:
        """Let so many seconds go by."""


def camera(
    pipeline: Pipeline,
    items: Sequence[Any],
    load: CameraLoad,
    on_share: Callable[[float], None],
    *,
    clock: Clock = time,
) -> Camera:
    """Run the newest of the frames that a camera would have made, again and again.

    Args:
        pipeline: What is timed.
        items: Pictures; the first few are decoded and used in turn, as a camera's frames are.
        load: Pace and duration.
        on_share: Called after each frame with the share that is done.
        clock: What time it is.
    """
    from edgefeat.pictures.decode import load_bgr  # a model for rows needs no OpenCV

    frames = max(math.ceil(load.duration_s * load.fps), 1)
    supply = cycle([load_bgr(item) for item in islice(items, _DECODED_PICTURES)])
    ages_ms: list[float] = []
    started = clock.perf_counter()
    taken = -1
    while taken < frames - 1:
        newest = min(int((clock.perf_counter() - started) * load.fps), frames - 1)
        if newest == taken:  # the next frame is still to come
            newest += 1
            clock.sleep(max(0.0, started + newest / load.fps - clock.perf_counter()))
        taken = newest
        pipeline(next(supply))
        ages_ms.append(_MS_PER_S * (clock.perf_counter() - started - taken / load.fps))
        on_share((taken + 1) / frames)
    return Camera(
        fps=load.fps,
        frames=frames,
        emitted=len(ages_ms),
        dropped=frames - len(ages_ms),
        age=latency_summary(np.array(ages_ms)),
    )
