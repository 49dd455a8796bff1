"""Streams over pictures in memory and scripted cameras: order, drops, stops, faults, gates."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import ArraySource, IterableSource, Source
from edgefeat.streaming import Event, EventKind, Health, Limits, Policy, Selection, Stream
from edgefeat.testing.faults import (
    FaultySource,
    ScriptStep,
    disconnect,
    drop,
    frames,
    freeze,
    garbage,
    hang,
    numbered_frame,
    random_script,
    resize,
    stall,
)
from streams_support import NumberReader

QUICK = Limits(timeout_s=0.4, stall_s=0.15, backoff_s=0.02, backoff_max_s=0.05)


class Watched:
    """A stream of numbers with what it said."""

    def __init__(self, source: Source, limits: Limits = QUICK, **options: Any) -> None:
        self.events: list[Event] = []
        self.stream = Stream(
            source, NumberReader(), limits=limits, on_event=self.events.append, **options
        )

    def numbers(self) -> list[int]:
        return [int(result.features[0]) for result in self.stream]

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("edgefeat")]


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    assert threads() == []
    yield
    deadline = time.monotonic() + 2
    while threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads() == []


def test_features_are_the_extractors_own(extractor: edgefeat.FeatureExtractor) -> None:
    pictures = [numbered_frame(n) for n in range(3)]
    results = list(edgefeat.stream(pictures, extractor))
    expected = extractor.extract_batch(pictures)
    np.testing.assert_array_equal([r.features for r in results], expected)
    assert [r.index for r in results] == [0, 1, 2]
    assert {r.fingerprint for r in results} == {extractor.fingerprint}
    assert all(r.age_ms > 0 and r.dropped == 0 and r.media_s is None for r in results)


def test_a_record_gives_each_chosen_output_by_its_name(root: Path) -> None:
    model = root / "tests" / "data" / "three_outputs.onnx"
    picture = numbered_frame(5)
    with edgefeat.FeatureExtractor(model, outputs="grid,features") as extractor:
        (result,) = edgefeat.stream([picture], extractor)
        expected = extractor.extract_outputs(picture)
        np.testing.assert_array_equal(result.features, extractor.extract(picture))
    assert list(result.outputs) == ["grid", "features"]
    for name, part in result.outputs.items():
        np.testing.assert_array_equal(part, expected[name])


def test_the_shipped_model_is_the_default() -> None:
    (result,) = edgefeat.stream([numbered_frame(0)])
    assert result.features.shape == (1280,)


def test_a_file_gives_every_frame_in_order() -> None:
    watched = Watched(FaultySource([frames(200)], live=False))
    assert watched.numbers() == list(range(200))
    assert watched.kinds() == [EventKind.CONNECTED, EventKind.ENDED]


def test_a_slow_loop_gets_the_newest_frames_and_the_count_of_the_others() -> None:
    camera = FaultySource([frames(150)], fps=500)
    watched = Watched(camera)
    results = []
    for result in watched.stream:
        results.append(result)
        time.sleep(0.02)
    numbers = [int(r.features[0]) for r in results]
    assert numbers == sorted(set(numbers))
    assert [r.index for r in results] == numbers
    assert numbers[-1] == 149
    assert len(numbers) + results[-1].dropped == 150
    assert results[-1].dropped > 50


def test_a_camera_with_policy_all_keeps_a_few_frames() -> None:
    watched = Watched(FaultySource([frames(100)], fps=1000), policy=Policy.ALL)
    results = []
    for result in watched.stream:
        results.append(result)
        time.sleep(0.005 if len(results) > 1 else 0.2)
    assert [r.index for r in results] == sorted({r.index for r in results})
    assert len(results) + results[-1].dropped == 100


@pytest.mark.parametrize("seed", range(4))
def test_no_frame_is_repeated_or_made_up_whatever_the_camera_does(seed: int) -> None:
    camera = FaultySource(random_script(seed, faults=25), seed=seed)
    watched = Watched(camera, limits=Limits(timeout_s=0.5, backoff_s=0.001, backoff_max_s=0.001))
    results = list(watched.stream)
    numbers = [int(r.features[0]) for r in results]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(camera.sent)
    assert numbers[-1] == camera.sent[-1]
    health = watched.stream.health()
    assert health.captured == len(camera.sent) + health.garbage
    assert len(numbers) + health.dropped == len(camera.sent)
    assert health.discarded == 0
    assert camera.opened == camera.closed == health.losses + 1


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


def test_a_gap_is_a_gap_with_a_count() -> None:
    camera = FaultySource([frames(3), drop(4), frames(3)], live=False)
    assert Watched(camera).numbers() == [0, 1, 2, 7, 8, 9]


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


STATES: dict[str, Callable[[], Source]] = {
    "streaming": lambda: FaultySource([frames(10**6)], fps=200),
    "stalled": lambda: FaultySource([frames(1), stall(60)]),
    "hanging": lambda: FaultySource([frames(1), hang(1.5)]),
    "between attempts": lambda: FaultySource([frames(1), disconnect(refusals=10**6)]),
    "full": lambda: FaultySource([frames(10**6)], live=False),
}


@pytest.mark.parametrize("state", STATES)
def test_a_stop_takes_less_than_a_second_from_any_state(state: str) -> None:
    source = STATES[state]()
    limits = Limits(timeout_s=30, stall_s=0.1, backoff_s=10)
    watched = Watched(source, limits=limits)
    stopped_at: list[float] = []

    def stop_soon() -> None:
        time.sleep(0.3)
        stopped_at.append(time.monotonic())
        watched.stream.stop()

    stopper = threading.Thread(target=stop_soon)
    stopper.start()
    for _ in watched.stream:
        if state == "full":
            time.sleep(0.05)
    stopper.join()
    assert time.monotonic() - stopped_at[0] < 1
    assert watched.kinds()[-1] is EventKind.ENDED or state == "hanging"


def test_leaving_the_loop_releases_the_source() -> None:
    camera = FaultySource([frames(10**6)], fps=500)
    watched = Watched(camera)
    for result in watched.stream:
        if result.index > 3:
            break
    assert (camera.opened, camera.closed) == (1, 1)
    with pytest.raises(ValueError, match="a stream can be iterated over once"):
        list(watched.stream)
    watched.stream.close()


def test_an_exception_in_the_loop_releases_the_source() -> None:
    camera = FaultySource([frames(10**6)], fps=500)

    def consume() -> None:
        for _ in Watched(camera).stream:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        consume()
    assert (camera.opened, camera.closed) == (1, 1)


def test_dropping_the_iterator_releases_the_source() -> None:
    camera = FaultySource([frames(10**6)], fps=500)
    records = iter(Watched(camera).stream)
    next(records)
    del records
    gc.collect()
    assert (camera.opened, camera.closed) == (1, 1)


def test_what_a_generator_raises_reaches_the_loop_after_its_frames() -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield numbered_frame(0)
        raise KeyError("sensor")

    watched = Watched(IterableSource(broken()))
    records = iter(watched.stream)
    assert next(records).index == 0
    with pytest.raises(KeyError, match="sensor"):
        next(records)


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


def test_a_wrong_array_is_an_error_and_not_a_damaged_frame() -> None:
    floats = np.zeros((8, 8, 3))
    with pytest.raises(edgefeat.ImageError, match="expected uint8, values 0 to 255"):
        list(Stream(ArraySource([floats]), NumberReader()))  # type: ignore[list-item]


def test_functions_are_cameras_and_none_ends_them() -> None:
    left = [numbered_frame(n) for n in range(5)][::-1]
    results = edgefeat.stream(lambda: left.pop() if left else None, NumberReader(), policy="all")
    assert [int(r.features[0]) for r in results] == [0, 1, 2, 3, 4]


def test_duration_ends_a_stream_by_itself() -> None:
    watched = Watched(FaultySource([frames(10**6)], fps=200), limits=Limits(duration_s=0.3))
    started = time.monotonic()
    watched.numbers()
    assert 0.3 <= time.monotonic() - started < 1.3
    assert watched.events[-1].message == "0.3 s are over"


def test_every_and_fps_choose_frames_before_they_are_decoded() -> None:
    watched = Watched(FaultySource([frames(20)], live=False), selection=Selection(every=6))
    assert watched.numbers() == [0, 6, 12, 18]
    assert watched.stream.health().skipped_rate == 16


def test_a_rate_is_refused_where_frames_have_no_times() -> None:
    with pytest.raises(OptionError) as raised:
        edgefeat.stream([numbered_frame(0)], NumberReader(), selection=Selection(fps=2))
    assert str(raised.value) == (
        "the frames of arrays have no times, so 2 a second mean nothing. "
        "Leave the rate out: every=10 takes one frame of ten. Or choose the policy `newest`, which "
        "samples frames by their arrival."
    )


@pytest.mark.parametrize("limits", [Limits(wait=True), Limits(reconnect=3)], ids=repr)
def test_reconnecting_is_refused_where_nothing_is_opened_again(limits: Limits) -> None:
    with pytest.raises(OptionError, match="does not go with arrays, which is opened only once"):
        Stream(ArraySource([]), NumberReader(), limits=limits)


def test_rgb_arrays_are_turned_round() -> None:
    class FirstPixel(NumberReader):
        def extract_prepared(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            return images[:, 0, 0].astype(np.float32)

    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    once = [red]
    sources: list[Any] = [[red], iter([red]), lambda: once.pop() if once else None]
    for source in sources:
        (result,) = edgefeat.stream(source, FirstPixel(), colour="rgb", policy="all")
        assert result.features.tolist() == [0, 0, 255]
    (result,) = edgefeat.stream([red], FirstPixel())
    assert result.features.tolist() == [255, 0, 0]


def test_a_channel_order_is_refused_where_the_source_has_its_own() -> None:
    for source, name in (("clip.mp4", "clip.mp4"), (ArraySource([]), "arrays")):
        with pytest.raises(OptionError) as raised:
            edgefeat.stream(source, NumberReader(), colour="rgb")
        assert str(raised.value) == (f"colour: does not go with the source {name}. Leave it out.")


def test_motion_skips_inference_on_a_picture_that_stands_still() -> None:
    rng = np.random.default_rng(0)
    still = np.full((64, 192, 3), 120, np.uint8)
    noisy = [still + rng.integers(-3, 4, still.shape).astype(np.int8).view(np.uint8) for _ in "ab"]
    moved = still.copy()
    moved[20:30, 20:30] = 200
    source = ArraySource([still, *noisy, moved, moved])
    watched = Watched(source, selection=Selection(motion=8))
    assert [r.index for r in watched.stream] == [0, 3]
    assert watched.stream.health().skipped_motion == 3


def test_novelty_holds_back_features_like_the_last_ones(
    extractor: edgefeat.FeatureExtractor, photos: object
) -> None:
    cat, rocket = f"{photos}/chelsea.jpg", f"{photos}/rocket.jpg"
    pictures = [cat, cat, rocket, rocket, cat]
    stream = edgefeat.stream(pictures, extractor, selection=Selection(novelty=0.1))
    assert [r.index for r in stream] == [0, 2, 4]
    assert stream.health().skipped_novelty == 2


def test_roi_takes_a_part_of_the_picture(extractor: edgefeat.FeatureExtractor) -> None:
    picture = numbered_frame(7)

    def part(*roi: float) -> Selection:
        return Selection(roi=roi)  # type: ignore[arg-type]

    (by_pixels,) = edgefeat.stream([picture], extractor, selection=part(48, 16, 96, 32))
    (by_shares,) = edgefeat.stream([picture], extractor, selection=part(0.25, 0.25, 0.5, 0.5))
    expected = extractor.extract(picture[16:48, 48:144])
    np.testing.assert_array_equal(by_pixels.features, expected)
    np.testing.assert_array_equal(by_shares.features, expected)
    with pytest.raises(edgefeat.SourceError, match="reaches out of the picture of 192x64"):
        list(edgefeat.stream([picture], extractor, selection=part(150, 0, 96, 32)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0}, "fps: expected a number above 0, got 0."),
        ({"fps": 2000}, "fps: expected a number of frames up to 1000, got 2000."),
        ({"every": 0}, "every: expected a whole number of 1 or more, got 0."),
        ({"motion": -1}, "motion: expected a number above 0, got -1."),
        ({"motion": 300}, "motion: expected a number of grey levels up to 255, got 300."),
        ({"novelty": 3}, "novelty: expected a cosine distance up to 2, got 3."),
        (
            {"roi": (0, 0, 0, 1)},
            "roi: expected x,y,width,height inside the picture, got (0, 0, 0, 1).",
        ),
    ],
    ids=["fps", "high-fps", "every", "motion", "high-motion", "novelty", "roi"],
)
def test_wrong_selections_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError) as raised:
        Selection(**options)  # type: ignore[arg-type]
    assert str(raised.value) == message


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


def test_a_wrong_policy_is_named() -> None:
    with pytest.raises(OptionError) as raised:
        edgefeat.stream([], NumberReader(), policy="some")  # type: ignore[arg-type]
    assert str(raised.value) == "policy: expected 'newest' or 'all', got 'some'."


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


def test_async_for_gives_the_same_records_and_leaves_the_loop_free() -> None:
    ticks = 0

    async def count() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    async def main() -> list[int]:
        counting = asyncio.create_task(count())
        stream = Stream(FaultySource([frames(40)], fps=100), NumberReader(), policy=Policy.ALL)
        numbers = [int(result.features[0]) async for result in stream]
        counting.cancel()
        return numbers

    assert asyncio.run(main()) == list(range(40))
    assert ticks > 10


@pytest.mark.parametrize("how", ["break", "cancel", "error"])
def test_leaving_an_async_loop_releases_the_source(how: str) -> None:
    camera = FaultySource([frames(10), stall(60)], fps=200)
    stream = Stream(camera, NumberReader(), limits=Limits(timeout_s=30))

    async def consume() -> None:
        async with contextlib.aclosing(aiter(stream)) as records:  # type: ignore[type-var]
            async for result in records:
                if how == "break" and result.index > 2:
                    break
                if how == "error":
                    raise ZeroDivisionError

    async def main() -> None:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.3)
        if how == "cancel":
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ZeroDivisionError):
            await task

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 2
    assert (camera.opened, camera.closed) == (1, 1)
