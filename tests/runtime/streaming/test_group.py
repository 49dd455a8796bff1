"""Several cameras in one process: names, isolation, fairness, changes while they run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import edgefeat
from edgefeat.errors import OptionError, SourceError
from edgefeat.streaming import AnyCamera, CameraSetup, Event, EventKind, Limits, Stream, StreamGroup
from edgefeat.streaming.several.turns import Turns
from edgefeat.testing.faults import FaultySource, disconnect, frames, hang, numbered_frame, stall
from streams_support import QUICK, NumberReader

CAMERA = Path(__file__).parents[2] / "support" / "mjpeg_camera.py"
SLOW = Limits(timeout_s=1, backoff_s=30, backoff_max_s=30)


@pytest.fixture
def address() -> Iterator[str]:
    """The address of cameras that run in a process of their own."""
    served = subprocess.Popen(
        [sys.executable, "-P", str(CAMERA), "0"], stdout=subprocess.PIPE, text=True
    )
    assert served.stdout is not None
    yield f"http://me:secret@127.0.0.1:{int(served.stdout.readline())}"
    served.kill()
    served.wait()
    served.stdout.close()


def pictures(count: int) -> list[NDArray[np.uint8]]:
    return [numbered_frame(number) for number in range(count)]


def endless() -> NDArray[np.uint8]:
    time.sleep(0.005)
    return numbered_frame(7)


def test_records_events_and_numbers_have_names_and_no_addresses(address: str) -> None:
    events: list[Event] = []
    cameras = {"yard": f"{address}/live", "door": f"{address}/ends"}
    seen: Counter[str] = Counter()
    with edgefeat.stream_many(cameras, NumberReader(), on_event=events.append) as many:
        for record in many:
            seen[str(record.camera)] += 1
            assert (record.source, record.path) == (
                record.camera,
                f"{record.camera}#{record.index}",
            )
            if seen["yard"] >= 30 and seen["door"] >= 15:
                break
    health = many.health()
    assert {event.source for event in events} == {"yard", "door"}
    assert any(event.kind is EventKind.LOST for event in events)
    assert "127.0.0.1" not in f"{health} {[str(event) for event in events]}"
    assert list(health.cameras) == ["yard", "door"]
    assert health.emitted == sum(one.emitted for one in health.cameras.values())
    assert (health.state, health.streaming) == ("ended", 0)
    for one in health.cameras.values():
        parts = one.emitted + one.dropped + one.discarded + one.repeated + one.garbage
        assert one.captured == parts + one.skipped_rate + one.skipped_motion + one.skipped_novelty


def test_features_are_the_extractors_own(extractor: edgefeat.FeatureExtractor) -> None:
    shown = {"a": pictures(3), "b": pictures(5)}
    found: dict[str, list[NDArray[np.float32]]] = {"a": [], "b": []}
    for record in edgefeat.stream_many(shown, extractor, workers=2):
        found[str(record.camera)].append(record.features)
    for name, given in shown.items():
        np.testing.assert_array_equal(found[name], extractor.extract_batch(given))


def test_cameras_that_cannot_be_read_are_named_at_the_end_and_stop_no_other() -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield numbered_frame(0)
        raise SourceError("out of film", where="reel 2")

    seen: Counter[str] = Counter()
    events: list[Event] = []
    cameras: dict[str, AnyCamera]
    cameras = {"good": pictures(50), "none": "no/such.mp4", "film": broken()}
    many = edgefeat.stream_many(cameras, NumberReader(), on_event=events.append)
    with pytest.raises(SourceError) as caught:
        seen.update(str(record.camera) for record in many)
    assert seen == {"good": 50, "film": 1}
    assert str(caught.value) == (
        "2 of 3 cameras ended by an error: none: no such file. Check the path. "
        "film: reel 2: out of film."
    )
    ends = {str(event) for event in events if event.kind is EventKind.ENDED}
    assert "none: ended: no such file. Check the path." in ends


def test_without_a_listener_the_end_of_a_camera_is_a_warning() -> None:
    many = edgefeat.stream_many({"good": pictures(3), "none": "no/such.mp4"}, NumberReader())
    with (
        pytest.warns(UserWarning, match=r"a camera has ended: none: no such file\."),
        pytest.raises(SourceError, match=r"1 of 2 cameras"),
    ):
        list(many)


def test_a_camera_that_is_away_is_waited_for() -> None:
    camera = FaultySource([disconnect(refusals=3), frames(20)])
    late = CameraSetup(source=camera, limits=QUICK)
    records = list(edgefeat.stream_many({"late": late, "film": pictures(5)}, NumberReader()))
    assert Counter(record.camera for record in records)["film"] == 5
    assert [r.features[0] for r in records if r.camera == "late"][-1] == 19


def test_a_camera_that_hangs_stops_no_other_and_not_the_end() -> None:
    stuck = threading.Event()
    calls: list[int] = []

    def take() -> NDArray[np.uint8]:
        calls.append(1)
        if len(calls) > 3:
            stuck.wait()
        return numbered_frame(1)

    source = FaultySource([frames(5), hang(1.5)])
    cameras: dict[str, AnyCamera] = {
        "call": CameraSetup(source=take, limits=QUICK),
        "grab": CameraSetup(source=source, limits=QUICK),
        "good": CameraSetup(source=endless),
    }
    try:
        with edgefeat.stream_many(cameras, NumberReader()) as many:
            began = time.monotonic()
            count = sum(1 for _ in _until(many, lambda record: record.camera == "good", 60))
            asked = time.monotonic()
        assert count >= 60
        assert asked - began < 10
        assert time.monotonic() - asked < 1.5
    finally:
        stuck.set()


def _until(many: StreamGroup, wanted: object, count: int) -> Iterator[object]:
    for record in many:
        yield record
        count -= wanted(record)  # type: ignore[operator]
        if count <= 0:
            return


class OneAtATime(NumberReader):
    """An extractor that takes its time and notices if two use it at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._busy, self.together = seconds, 0, 0

    def extract_prepared(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        self._busy += 1
        self.together = max(self.together, self._busy)
        time.sleep(self._seconds)
        self._busy -= 1
        return super().extract_prepared(images)


def test_cameras_get_the_same_share_where_inference_is_the_limit() -> None:
    extractor = OneAtATime(0.004)
    cameras = {
        **{
            f"fast{n}": CameraSetup(source=FaultySource([frames(100_000)], fps=900))
            for n in range(3)
        },
        "film": CameraSetup(source=iter(pictures(5000))),  # always has a frame ready
    }
    seen: Counter[str] = Counter()
    with edgefeat.stream_many(cameras, extractor) as many:
        for record in many:
            seen[str(record.camera)] += 1
            if sum(seen.values()) == 400:
                break
    assert extractor.together == 1
    assert min(seen[name] for name in cameras) >= 80


def test_so_many_frames_are_worked_on_at_once_as_was_asked() -> None:
    extractor = OneAtATime(0.01)
    cameras = {f"c{n}": pictures(20) for n in range(4)}
    assert len(list(edgefeat.stream_many(cameras, extractor, workers=2))) == 80
    assert extractor.together == 2


def test_cameras_come_and_go_while_others_run(address: str) -> None:
    seen: Counter[str] = Counter()
    ready: dict[str, AnyCamera] = {
        "first": f"{address}/live",
        "away": CameraSetup(source=f"{address}/missing", limits=SLOW),
    }
    with edgefeat.stream_many(ready, NumberReader()) as many:
        sessions = set()
        for record in many:
            seen[str(record.camera)] += 1
            if record.camera == "first":
                sessions.add(record.session)
            if sum(seen.values()) == 20:
                asked = time.monotonic()
                many.change(add={"second": f"{address}/live"}, remove=["away"])
                assert time.monotonic() - asked < 1.5  # it waited for its next attempt
                assert many.names == ("first", "second")
            if seen["second"] == 10:
                break
    assert len(sessions) == 1  # it was left alone
    assert list(many.health().cameras) == ["first", "second"]


def test_the_last_camera_can_be_replaced() -> None:
    first = FaultySource([frames(1), stall(60)])
    with edgefeat.stream_many({"a": first}, NumberReader()) as many:
        seen = []
        for record in many:
            seen.append((record.camera, int(record.features[0])))
            if record.camera == "a":
                many.change(remove=["a"], add={"b": pictures(2)})
    assert seen == [("a", 0), ("b", 0), ("b", 1)]


def test_changes_that_do_not_fit_change_nothing(address: str) -> None:
    many = edgefeat.stream_many({"a": f"{address}/live"}, NumberReader())
    with pytest.raises(OptionError, match=r"there is a camera 'a' already"):
        many.change(add={"a": 0, "b": 1})
    with pytest.raises(OptionError, match=r"no camera 'c'"):
        many.change(add={"b": 1}, remove=["c"])
    with pytest.raises(OptionError, match=r"expected at least one camera, got none"):
        many.change(remove=["a"])
    assert many.names == ("a",)
    many.close()
    with pytest.raises(ValueError, match="closed"):
        many.change(add={"b": 1})


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "-o", "a b", "a\n", "n" * 65, "#"])
def test_names_that_are_no_names_of_files_are_refused(name: str) -> None:
    with pytest.raises(OptionError, match=r"expected a name of letters, digits and \. _ -"):
        edgefeat.stream_many({"good": 0, name: 1}, NumberReader())


@pytest.mark.parametrize(
    ("cameras", "problem"),
    [
        ({"a": 0, "b": "/dev/video0"}, "a and b read the same, /dev/video0, and only one can"),
        ({"a": "-", "b": "-"}, "a and b read the same, stdin, and only one can"),
        ({"a": endless, "b": endless}, "a and b read the same, callable, and only one can"),
        ({"Yard": 0, "yard": 1}, "two names for one file: Yard and yard"),
        ({"gr\u00fcn": 0, "GRU\u0308N": 1}, "two names for one file"),
    ],
)
def test_cameras_that_get_in_each_others_way_are_refused(
    cameras: dict[str, object], problem: str
) -> None:
    with pytest.raises(OptionError, match=problem):
        edgefeat.stream_many(cameras, NumberReader())  # type: ignore[arg-type]


def test_twenty_cameras_share_one_extractor(extractor: edgefeat.FeatureExtractor) -> None:
    cameras = {f"c{number}": pictures(3) for number in range(20)}
    records = list(edgefeat.stream_many(cameras, extractor))
    assert Counter(record.camera for record in records) == dict.fromkeys(cameras, 3)


def test_each_camera_is_consumed_in_a_thread_of_its_own() -> None:
    gone_on = threading.Event()
    counts: Counter[str] = Counter()

    def consume(name: str, stream: Stream) -> None:
        for _ in stream:
            counts[name] += 1
            if name == "stuck":
                assert gone_on.wait(20)
            if name == "full":
                raise OSError("no room")
            if name == "good" and counts[name] == 50:
                gone_on.set()

    cameras = {"stuck": pictures(2), "full": pictures(5), "good": pictures(50)}
    many = StreamGroup(cameras, NumberReader())
    with pytest.MonkeyPatch.context() as patch:
        shown: list[threading.ExceptHookArgs] = []
        patch.setattr(threading, "excepthook", shown.append)
        many.run(consume)
    assert counts == {"stuck": 2, "full": 1, "good": 50}
    assert str(many.failures["full"]) == "full: OSError: no room."
    assert list(many.failures) == ["full"]
    assert len(shown) == 1
    assert many.health().cameras["full"].last_error == "OSError: no room."


def test_it_is_stuck_only_where_no_camera_goes_on() -> None:
    release = threading.Event()
    stuck: list[float] = []

    def consume(name: str, stream: Stream) -> None:
        for _ in stream:
            if name == "stuck":
                release.wait(20)

    cameras = {
        "stuck": CameraSetup(source=pictures(1)),
        "good": CameraSetup(source=endless),
    }
    many = StreamGroup(cameras, NumberReader())
    thread = threading.Thread(target=many.run, args=(consume,))
    thread.start()
    time.sleep(0.6)
    assert many.health().cameras["stuck"].busy_s > 0.3
    stuck.append(many.stuck_s())
    many.change(remove=["good"])
    time.sleep(0.4)
    stuck.append(many.stuck_s())
    release.set()
    thread.join(10)
    assert stuck[0] < 0.3 < stuck[1]


def test_a_stop_ends_it_without_an_error(address: str) -> None:
    many = edgefeat.stream_many(
        {"good": f"{address}/live", "none": "no/such.mp4"}, NumberReader(), on_event=lambda _: None
    )
    seen = 0
    for _ in many:
        seen += 1
        if seen == 5:
            many.stop()
    assert seen >= 5
    assert list(many.failures) == ["none"]


def test_it_goes_with_asyncio() -> None:
    async def read() -> Counter[str]:
        seen: Counter[str] = Counter()
        async for record in edgefeat.stream_many(
            {"a": pictures(5), "b": pictures(7)}, NumberReader()
        ):
            seen[str(record.camera)] += 1
        return seen

    assert asyncio.run(read()) == {"a": 5, "b": 7}


def test_a_group_is_read_once() -> None:
    many = edgefeat.stream_many({"a": pictures(1)}, NumberReader())
    assert len(list(many)) == 1
    with pytest.raises(ValueError, match="once"):
        next(iter(many))


def test_turns_are_given_in_the_order_of_asking() -> None:
    turns, order = Turns(1), []

    def take(number: int) -> None:
        with turns:
            order.append(number)

    threads = []
    with turns:
        for number in range(8):
            threads.append(threading.Thread(target=take, args=(number,)))
            threads[-1].start()
            time.sleep(0.02)  # so that they ask one after the other
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_the_place_of_one_that_hangs_is_lent_and_not_given_twice() -> None:
    turns, came_back, inside = Turns(1, patience_s=0.2), threading.Event(), []

    def hang() -> None:
        with turns:
            came_back.wait(20)

    def take(number: int) -> None:
        with turns:
            inside.append(number)
            assert inside == [number]  # one at a time, but for the one that hangs
            time.sleep(0.05)
            inside.clear()

    threads = [threading.Thread(target=hang)]
    threads += [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads[1:4]:
        thread.join(10)
        assert not thread.is_alive()
    came_back.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    with turns:
        pass
