"""What records say of where they come from, and of the time without a connection before them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import edgefeat
from edgefeat.sources import CallableSource
from edgefeat.streaming import Limits, Names, Selection, Stream
from edgefeat.testing.faults import numbered_frame
from streams_support import NumberReader

QUICK = Limits(timeout_s=2, backoff_s=0.2, backoff_max_s=0.2)


def lost_and_found(losses: int, frames: int = 5) -> CallableSource:
    """Return a camera that fails after some frames, so many times."""
    connections = iter(range(losses + 1))

    @contextmanager
    def camera() -> Iterator[object]:
        last = next(connections) == losses
        numbers = iter(range(frames))

        def take() -> object:
            number = next(numbers, None)
            time.sleep(0.01)
            if number is None and not last:
                raise RuntimeError("unplugged")
            return None if number is None else numbered_frame(number)

        yield take

    return CallableSource(open=camera, retry_on=(RuntimeError,))  # type: ignore[arg-type]


def test_records_name_device_camera_and_session() -> None:
    names = Names(device="box 7", camera="yard")
    pictures = [numbered_frame(n) for n in range(2)]
    first, second = edgefeat.stream(pictures, NumberReader(), names=names)
    assert (first.device, first.camera, first.session) == ("box 7", "yard", names.session)
    assert second.session == first.session
    assert first.monotonic_s == first.captured_at
    assert first.gap_s is None
    (other, _) = edgefeat.stream(pictures, NumberReader())
    assert (other.device, other.camera) == (socket.gethostname(), "arrays")
    assert other.session not in (None, first.session)


def test_a_gap_stands_in_the_first_record_after_it() -> None:
    stream = Stream(lost_and_found(2), NumberReader(), policy="all", limits=QUICK)
    gaps = [result.gap_s for result in stream]
    assert [n for n, gap in enumerate(gaps) if gap is not None] == [5, 10]
    for gap in (gaps[5], gaps[10]):
        assert gap == pytest.approx(0.2, abs=0.15)


def test_a_gap_before_frames_that_are_left_out_is_told_later() -> None:
    """The first frame after the gap is skipped: the next record tells it."""
    selection = Selection(every=3)
    stream = Stream(
        lost_and_found(1), NumberReader(), policy="all", selection=selection, limits=QUICK
    )
    results = list(stream)
    assert [result.index for result in results] == [0, 3, 6, 9]
    assert [result.gap_s is not None for result in results] == [False, False, True, False]


def test_a_gap_before_a_dropped_frame_is_told_later() -> None:
    stream = Stream(lost_and_found(1), NumberReader(), policy="newest", limits=QUICK)
    gaps = []
    for number, result in enumerate(stream):
        gaps.append(result.gap_s)
        if number == 0:
            time.sleep(0.6)  # the loss, and the first frames after it, pass meanwhile
    assert sum(gap is not None for gap in gaps) == 1
    assert stream.health().dropped > 0
