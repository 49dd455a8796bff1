"""Callbacks that raise, hang or are too slow stop nothing."""

from __future__ import annotations

import threading
import time

import pytest

from edgefeat.streaming import Event, EventKind, Health, Limits, Policy, Stream
from edgefeat.testing.faults import (
    FaultySource,
    disconnect,
    frames,
)
from streams_support import NumberReader


def test_a_callback_that_raises_is_shown_once_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: shown.append(args.exc_type))

    def refuse(event: Event) -> None:
        raise KeyError(event.kind.value)

    source = FaultySource([frames(20)], live=False)
    stream = Stream(source, NumberReader(), on_event=refuse)
    assert len(list(stream)) == 20
    assert shown == [KeyError]
    assert stream.health().untold == 2  # connected and ended


def test_callbacks_that_hang_stop_nothing_and_are_left_behind() -> None:
    hanging = threading.Event()

    def hang(told: object) -> None:
        hanging.wait(30)

    camera = FaultySource([frames(10**6)], fps=500)
    stream = Stream(
        camera,
        NumberReader(),
        on_event=hang,
        on_health=hang,
    )
    for result in stream:
        if result.index > 100:
            break
    closing_at = time.monotonic()
    stream.close()
    assert time.monotonic() - closing_at < 1
    assert camera.closed == 1
    assert stream.health().untold >= 1
    hanging.set()


def test_a_camera_that_flaps_faster_than_it_is_told_keeps_the_newest_events() -> None:
    hanging = threading.Event()
    told: list[Event] = []

    def slow(event: Event) -> None:
        hanging.wait(30)
        told.append(event)

    camera = FaultySource([frames(1), disconnect()] * 300 + [frames(1)])
    limits = Limits(timeout_s=1, backoff_s=0.001, backoff_max_s=0.001)
    stream = Stream(camera, NumberReader(), policy=Policy.ALL, limits=limits, on_event=slow)
    count = 0
    for _ in stream:
        count += 1
        if count == 300:  # the queue is full by now
            hanging.set()
    assert count == 301
    assert told[-1].kind is EventKind.ENDED
    assert 0 < stream.health().untold == 2 + 2 * 300 - len(told)


@pytest.mark.parametrize(("count", "stated"), [(10, 0), (129, 1), (661, 2), (662, 3)])
def test_health_keeps_to_percentiles_that_its_sample_supports(count: int, stated: int) -> None:
    stream = Stream(FaultySource([frames(count)], live=False), NumberReader())
    assert len(list(stream)) == count
    health = stream.health()
    ages = [health.latency_p50_ms, health.latency_p95_ms, health.latency_p99_ms]
    assert [age is not None for age in ages] == [n < stated for n in range(3)]


def test_health_counts() -> None:
    reports: list[Health] = []
    stream = Stream(
        FaultySource([frames(30)], live=False), NumberReader(), on_health=reports.append
    )
    assert len(list(stream)) == 30
    last = reports[-1]
    assert (last.state, last.captured, last.emitted, last.source) == (
        "ended",
        30,
        30,
        "faulty camera",
    )
    assert last.cpu_s_per_frame is not None


def test_the_last_numbers_are_told_where_that_takes_a_while() -> None:
    told: list[Health] = []

    def slow(health: Health) -> None:
        time.sleep(0.3)  # as a memory card
        told.append(health)

    source = FaultySource([frames(20)], live=False)
    assert len(list(Stream(source, NumberReader(), on_health=slow))) == 20
    assert told[-1].emitted == 20
