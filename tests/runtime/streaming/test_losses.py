"""What a camera can do wrong: silence, damage, a new size, a frozen picture, death and return."""

from __future__ import annotations

import pytest

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import ArraySource
from edgefeat.streaming import EventKind, Limits, Policy, Stream
from edgefeat.testing.faults import (
    FaultySource,
    ScriptStep,
    disconnect,
    frames,
    freeze,
    garbage,
    hang,
    resize,
    stall,
)
from streams_support import NumberReader, Watched


def test_a_camera_that_dies_and_comes_back_is_told_step_by_step() -> None:
    camera = FaultySource(
        [frames(3), stall(0.25), frames(3), disconnect(refusals=2), frames(3)], fps=200
    )
    watched = Watched(camera)
    watched.numbers()
    kinds = watched.kinds()
    assert kinds == [
        EventKind.CONNECTED,
        EventKind.STALLED,
        EventKind.RECOVERED,
        EventKind.LOST,
        EventKind.RETRY,
        EventKind.RETRY,
        EventKind.RECOVERED,
        EventKind.ENDED,
    ]
    assert watched.stream.health().losses == 1
    assert camera.opened == camera.closed == 2


@pytest.mark.parametrize("step", [stall(30), hang(1.2)], ids=["stall", "hang"])
def test_silence_is_a_loss_after_the_timeout(step: ScriptStep) -> None:
    camera = FaultySource([frames(3), step, frames(3)], fps=200)
    watched = Watched(camera)
    list(watched.stream)
    assert EventKind.LOST in watched.kinds()
    lost = next(e for e in watched.events if e.kind is EventKind.LOST)
    assert str(lost) == "faulty camera: lost: no frame for 0.4 s."
    assert watched.kinds()[-2:] == [EventKind.RECOVERED, EventKind.ENDED]


def test_damaged_frames_are_left_out_counted_and_told_once() -> None:
    camera = FaultySource([frames(2), garbage(5), frames(2)])
    watched = Watched(camera, policy=Policy.ALL)
    results = list(watched.stream)
    assert [int(r.features[0]) for r in results] == [0, 1, 2, 3]
    assert [r.index for r in results] == [0, 1, 7, 8]
    assert watched.stream.health().garbage == 5
    assert watched.kinds().count(EventKind.GARBAGE) == 1


def test_a_new_size_is_told_and_worked_with() -> None:
    camera = FaultySource([frames(2), resize(96, 256), frames(2)])
    watched = Watched(camera, policy=Policy.ALL)
    assert watched.numbers() == [0, 1, 2, 3]
    resized = [e.message for e in watched.events if e.kind is EventKind.RESIZED]
    assert resized == ["192x64 became 256x96"]


def test_a_frozen_picture_is_told() -> None:
    camera = FaultySource([frames(2), freeze(40), frames(5)], fps=200)
    limits = Limits(timeout_s=1, frozen_s=0.1)
    watched = Watched(camera, limits=limits)
    list(watched.stream)
    assert watched.kinds() == [
        EventKind.CONNECTED,
        EventKind.FROZEN,
        EventKind.RECOVERED,
        EventKind.ENDED,
    ]


def test_a_camera_that_is_not_there_is_an_error_unless_waited_for() -> None:
    def absent() -> FaultySource:
        return FaultySource([disconnect(refusals=2), frames(2)])

    watched = Watched(absent())
    with pytest.raises(edgefeat.SourceError) as raised:
        watched.numbers()
    assert str(raised.value) == "faulty camera: broke off, as the script says."
    patient = Limits(timeout_s=1, wait=True, backoff_s=0.01)
    watched = Watched(absent(), limits=patient, policy=Policy.ALL)
    assert watched.numbers() == [0, 1]


def test_attempts_are_limited() -> None:
    camera = FaultySource([frames(2), disconnect(refusals=100)])
    limits = Limits(timeout_s=1, backoff_s=0.01, reconnect=3)
    watched = Watched(camera, limits=limits)
    with pytest.raises(edgefeat.SourceError, match="refused, as the script says"):
        watched.numbers()
    assert watched.kinds().count(EventKind.RETRY) == 2


@pytest.mark.parametrize("limits", [Limits(wait=True), Limits(reconnect=3)], ids=repr)
def test_reconnecting_is_refused_where_nothing_is_opened_again(limits: Limits) -> None:
    with pytest.raises(OptionError, match="does not go with arrays, which is opened only once"):
        Stream(ArraySource([]), NumberReader(), limits=limits)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout_s": 0}, "timeout_s: expected a number above 0, got 0."),
        ({"reconnect": -1}, "reconnect: expected a whole number of 0 or more, got -1."),
        ({"backoff_s": 60}, "backoff_max_s: expected at least the first wait (60), got 30."),
    ],
    ids=["timeout", "reconnect", "backoff"],
)
def test_wrong_limits_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as raised:
        Limits(**options)  # type: ignore[arg-type]
    assert str(raised.value) == message
