"""Connections lose their rights when they are given up: a reader that wakes late writes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

import edgefeat
from edgefeat.errors import OptionError, SourceError
from edgefeat.sources import CallableSource, Grab, IterableSource, Traits
from edgefeat.streaming import Event, EventKind, Limits, Policy, Stream
from edgefeat.testing.faults import numbered_frame
from streams_support import NumberReader

LIMITS = Limits(timeout_s=0.2, backoff_s=0.01, backoff_max_s=0.02)


class HangingReader:
    """Gives frames numbered from `first`; in the third it hangs, in `hangs_in`."""

    notice = None

    def __init__(self, first: int, hangs_in: str, wake: threading.Event) -> None:
        self.number, self.hangs_at = first - 1, first + 2
        self.hangs_in, self.wake = hangs_in, wake
        self.closed = threading.Event()

    def _maybe_hang(self, place: str) -> None:
        if place == self.hangs_in and self.number == self.hangs_at:
            self.wake.wait(10)

    def grab(self) -> Grab | None:
        time.sleep(0.01)
        self.number += 1
        self._maybe_hang("grab")
        return Grab()

    def retrieve(self) -> NDArray[np.uint8]:
        self._maybe_hang("retrieve")
        return numbered_frame(self.number)

    def interrupt(self) -> None:
        pass

    def close(self) -> None:
        self.closed.set()


class HangingSource:
    """Its first reader hangs; the frames of later readers have numbers from 1000 on."""

    name = "camera"
    traits = Traits(live=True, reopens=True)

    def __init__(self, hangs_in: str) -> None:
        self.hangs_in, self.wake = hangs_in, threading.Event()
        self.readers: list[HangingReader] = []

    def open(self, *, timeout_s: float) -> HangingReader:
        first, place = (1000, "nowhere") if self.readers else (0, self.hangs_in)
        self.readers.append(HangingReader(first, place, self.wake))
        return self.readers[-1]


@pytest.mark.parametrize("place", ["grab", "retrieve"])
def test_a_frame_that_comes_after_its_connection_was_given_up_is_discarded(place: str) -> None:
    source = HangingSource(place)
    stream = Stream(source, NumberReader(), policy=Policy.ALL, limits=LIMITS)
    numbers, indexes = [], []
    for result in stream:
        numbers.append(int(result.features[0]))
        indexes.append(result.index)
        if numbers[-1] >= 1010 and not source.wake.is_set():
            source.wake.set()
            assert source.readers[0].closed.wait(5)
        if numbers[-1] >= 1030:
            break
    assert numbers == sorted(set(numbers))
    assert {number for number in numbers if number < 1000} <= {0, 1}
    assert indexes == sorted(set(indexes))
    health = stream.health()
    assert health.losses == 1
    # The frame of the first reader, and those that waited when the loop was left.
    assert health.discarded == health.captured - health.emitted - health.dropped >= 1


def test_a_function_that_hangs_is_never_called_twice_at_once() -> None:
    inside = most = calls = 0
    counting, wake = threading.Lock(), threading.Event()

    def take() -> NDArray[np.uint8]:
        nonlocal inside, most, calls
        with counting:
            inside += 1
            calls += 1
            most = max(most, inside)
            number = calls
        if number == 3:
            wake.wait(10)
        time.sleep(0.005)
        with counting:
            inside -= 1
        return numbered_frame(number)

    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if [e.kind for e in events].count(EventKind.RETRY) == 5:
            wake.set()

    stream = edgefeat.stream(take, NumberReader(), policy="all", limits=LIMITS, on_event=on_event)
    numbers = []
    for result in stream:
        numbers.append(int(result.features[0]))
        if numbers[-1] > 20:
            break
    assert numbers == sorted(set(numbers))
    assert 3 not in numbers
    assert most == 1
    retry = next(event for event in events if event.kind is EventKind.RETRY)
    assert retry.message.startswith(
        "the camera function hangs: an earlier call has not come back. "
        "It is called again once that call is over. Again in 0.0"
    )


def test_a_factory_makes_a_hung_camera_anew_and_holds_two_at_most() -> None:
    held: list[int] = []
    most = made = 0
    end = threading.Event()

    @contextmanager
    def camera() -> Iterator[object]:
        nonlocal most, made
        made += 1
        number, frame = made, 0
        held.append(number)
        most = max(most, len(held))

        def take() -> NDArray[np.uint8]:
            nonlocal frame
            frame += 1
            if frame == 4 and number in (1, 2):
                end.wait(10)
            time.sleep(0.005)
            return numbered_frame(100 * number + frame)

        yield take
        held.remove(number)

    source = CallableSource(open=camera)  # type: ignore[arg-type]
    events: list[Event] = []
    stream = Stream(
        source, NumberReader(), policy=Policy.ALL, limits=LIMITS, on_event=events.append
    )
    numbers = []
    for result in stream:
        numbers.append(int(result.features[0]))
        if numbers[-1] >= 203:
            break
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= {101, 102, 103, 201, 202, 203}
    assert most == 2
    end.set()


def test_what_a_function_raises_is_a_loss_if_that_is_asked() -> None:
    calls = 0

    def take() -> NDArray[np.uint8]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("rtsp://me:hunter2@cam is gone")
        return numbered_frame(calls)

    events: list[Event] = []
    source = CallableSource(take, retry_on=(RuntimeError,))
    stream = Stream(
        source, NumberReader(), policy=Policy.ALL, limits=LIMITS, on_event=events.append
    )
    for result in stream:
        if result.features[0] > 3:
            break
    lost = next(event for event in events if event.kind is EventKind.LOST)
    assert lost.message == "the camera function failed: RuntimeError: rtsp://***@cam is gone."
    calls = 0
    with pytest.raises(RuntimeError, match="is gone"):
        list(Stream(CallableSource(take), NumberReader(), limits=LIMITS))


def test_a_function_or_a_factory_is_needed() -> None:
    with pytest.raises(OptionError) as raised:
        CallableSource()
    assert str(raised.value) == "open: expected either this or `take`, got neither."


def test_an_iterator_is_not_reopened() -> None:
    source = IterableSource([])
    source.open(timeout_s=1)
    with pytest.raises(SourceError, match="an iterator can be read only once"):
        source.open(timeout_s=1)
