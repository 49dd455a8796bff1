"""A camera's pace on a clock of our own: which frames are taken, dropped, and how old."""

import numpy as np
import pytest

from edgefeat.bench.loads.camera import camera
from edgefeat.bench.pipeline import Call, Picture
from edgefeat.bench.plan import CameraLoad

FRAME = np.zeros((4, 4, 3), np.uint8)


class Clock:
    """Time goes by only when somebody sleeps or works."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def perf_counter(self) -> float:
        return self.now_s

    def sleep(self, seconds: float, /) -> None:
        self.now_s += seconds


class Work:
    """A pipeline that takes a given time for each frame."""

    def __init__(self, clock: Clock, takes_s: list[float]) -> None:
        self._clock, self._takes_s = clock, iter(takes_s)

    def __call__(self, picture: Picture) -> Call:
        self._clock.now_s += next(self._takes_s)
        return 0, 0, 0, 0


def test_a_fast_model_takes_every_frame() -> None:
    clock, shares = Clock(), list[float]()
    work = Work(clock, [0.030] * 10)
    load = CameraLoad(duration_s=1.0, fps=10.0)
    found = camera(work, [FRAME], load, shares.append, clock=clock)
    assert (found.frames, found.emitted, found.dropped) == (10, 10, 0)
    assert (found.age.min_ms, found.age.max_ms) == (30.0, 30.0)
    assert shares == pytest.approx([n / 10 for n in range(1, 11)])


def test_frames_that_a_newer_one_overtakes_are_dropped_and_counted() -> None:
    clock = Clock()
    work = Work(clock, [0.250, 0.030, 0.030, 0.030])  # frames 0, 2, 3 and 4 of 0 to 4
    load = CameraLoad(duration_s=0.5, fps=10.0)
    found = camera(work, [FRAME], load, lambda _share: None, clock=clock)
    assert (found.frames, found.emitted, found.dropped) == (5, 4, 1)
    assert found.age.max_ms == 250.0
    assert found.age.mean_ms == pytest.approx((250 + 80 + 30 + 30) / 4)
