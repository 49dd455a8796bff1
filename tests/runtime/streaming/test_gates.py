"""Gates on drawn scenes: light is no motion, rain is little of it, what comes and goes is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import ArraySource
from edgefeat.streaming import Selection
from gate_clips import SIDE, ClipSource, Colours, Image, scene


@pytest.fixture(scope="module")
def image(photos: Path) -> Image:
    return scene(photos / "coffee.jpg")


def passed(kind: str, image: Image, count: int = 90, **options: Any) -> list[tuple[int, str]]:
    source = ClipSource(kind, image, count)
    stream = edgefeat.stream(source, Colours(), selection=Selection(**options))
    return [(record.index, str(record.change)) for record in stream]


@pytest.mark.parametrize("kind", ["still", "light drift -30 %", "exposure hunting 5 %"])
def test_neither_noise_nor_light_is_motion(kind: str, image: Image) -> None:
    assert passed(kind, image, motion=8) == [(0, "first")]


def test_rain_changes_less_of_the_picture_than_a_thing_does(image: Image) -> None:
    assert len(passed("rain", image, 40, motion=7)) > 10
    assert passed("rain", image, 40, motion=7, motion_area=0.02) == [(0, "first")]
    seen = passed("rain and object 96 px", image, motion=9, motion_area=0.02)
    assert seen == [(0, "first"), (40, "enter"), (80, "leave")]


@pytest.mark.parametrize(
    "kind", ["object 48 px", "object 96 px", "object 200 px", "drift and object 96 px"]
)
def test_what_comes_and_goes_is_two_records(kind: str, image: Image) -> None:
    assert passed(kind, image, motion=8) == [(0, "first"), (40, "enter"), (80, "leave")]


def test_a_covered_lens_is_no_change_of_the_light(image: Image) -> None:
    lit, dark = image.astype(np.uint8), np.zeros_like(image, np.uint8)
    stream = edgefeat.stream([lit, dark, dark, lit], Colours(), selection=Selection(motion=16))
    assert [r.change for r in stream] == ["first", "enter", "leave"]


def test_what_stays_for_a_minute_belongs_to_the_scene(image: Image) -> None:
    empty = image.astype(np.uint8)
    parked = empty.copy()
    parked[200:300, 200:300] = 255 - parked[200:300, 200:300]
    frames = [empty] * 3 + [parked] * 65 + [empty] * 3  # frames without times count as seconds
    stream = edgefeat.stream(frames, Colours(), selection=Selection(motion=16))
    assert [(r.index, r.change) for r in stream] == [(0, "first"), (3, "enter"), (68, "enter")]


def test_a_distance_at_the_threshold_does_not_chatter() -> None:
    grey = np.full((SIDE, SIDE, 3), 100, np.uint8)
    levels = [0, 0, 9, 7, 9, 7, 9, 0]
    frames = []
    for level in levels:
        frames.append(grey.copy())
        frames[-1][64:96, 64:96] += level
    loose = edgefeat.stream(frames, Colours(), selection=Selection(motion=8))
    assert [(r.index, r.change) for r in loose] == [(0, "first"), (2, "enter"), (7, "leave")]
    strict = edgefeat.stream(frames, Colours(), selection=Selection(motion=8, leave=1))
    assert [r.change for r in strict] == ["first", *["enter", "leave"] * 3]


def test_novelty_tells_what_comes_and_goes(image: Image) -> None:
    seen = passed("infrared switch", image, 60, novelty=0.01)
    assert seen == [(0, "first"), (40, "enter")]


@pytest.mark.parametrize("gate", ["motion", "novelty"])
def test_a_heartbeat_comes_in_the_sources_own_time(gate: str, image: Image) -> None:
    wide: dict[str, Any] = {"motion": 200} if gate == "motion" else {"novelty": 0.5}
    seen = passed("still", image, 50, **wide, at_least_s="10s")  # two frames a second
    assert seen == [(0, "first"), (20, "heartbeat"), (40, "heartbeat")]


def test_distances_stand_in_every_record_and_in_the_live_numbers(image: Image) -> None:
    source = ClipSource("object 96 px", image, 60)
    stream = edgefeat.stream(source, Colours())
    records = list(stream)
    assert [r.change for r in records] == [None] * 60
    assert (records[0].motion, records[0].novelty) == (None, None)
    motions = [r.motion or 0 for r in records]
    assert motions[40] == max(motions) > 20 * float(np.median(motions))
    novelties = [r.novelty or 0 for r in records]
    assert novelties[40] == max(novelties)
    health = stream.health()
    assert health.motion_p50 == pytest.approx(sorted(motions[1:])[29], abs=0.01)
    assert health.novelty_p50 == pytest.approx(sorted(novelties[1:])[29], abs=1e-6)
    assert (health.motion_p99, health.novelty_p99) == (None, None)  # too few frames to state them


def test_live_numbers_and_counts_with_gates(image: Image) -> None:
    source = ClipSource("object 96 px", image, 90)
    stream = edgefeat.stream(source, Colours(), selection=Selection(motion=8, novelty=1e-4))
    assert [r.change for r in stream] == ["first", "enter", "leave"]
    health = stream.health()
    assert (health.emitted, health.skipped_motion, health.skipped_novelty) == (3, 87, 0)


def masked(*parts: Any, frames: list[Any], **options: Any) -> list[int]:
    selection = Selection(motion=8, mask=parts, **options)
    return [r.index for r in edgefeat.stream(frames, Colours(), selection=selection)]


@pytest.fixture
def blinking(image: Image) -> list[NDArray[np.uint8]]:
    """A clock in the lower left corner ticks; in the last frame a thing stands on the right."""
    frames = [image.astype(np.uint8) for _ in range(5)]
    for number, frame in enumerate(frames):
        frame[400:480, :160] = 255 * (number % 2)
    frames[4][100:200, 500:600] = 255 - frames[4][100:200, 500:600]
    return frames


def test_a_mask_is_a_region_or_a_picture(blinking: list[NDArray[np.uint8]], tmp_path: Path) -> None:
    everywhere = masked(frames=blinking)
    assert everywhere == [0, 1, 2, 3, 4]
    assert masked((0, 380, 200, 100), frames=blinking) == [0, 4]
    assert masked((0, 0.79, 0.3, 0.21), frames=blinking) == [0, 4]
    picture = np.full((120, 160), 255, np.uint8)  # of another size than the frames
    picture[90:, :50] = 0
    cv2.imwrite(str(tmp_path / "mask.png"), picture)
    assert masked(tmp_path / "mask.png", frames=blinking) == [0, 4]
    jpegs = [cv2.imencode(".jpg", frame)[1].tobytes() for frame in blinking]
    assert masked(tmp_path / "mask.png", frames=jpegs) == [0, 4]
    both = masked((0, 380, 200, 100), (480, 80, 160, 160), frames=blinking)
    assert both == [0]


def test_a_mask_goes_the_way_of_the_frame(blinking: list[NDArray[np.uint8]]) -> None:
    lower_half = (0, 0.5, 1, 0.5)
    assert masked((0, 380, 200, 100), frames=blinking, roi=lower_half) == [0]
    smaller = [cv2.resize(frame, (320, 240)) for frame in blinking[:3]]
    assert masked((0, 0.75, 0.3, 0.25), frames=[*blinking[:3], *smaller]) == [0]


def test_a_mask_that_cannot_be_is_named(blinking: list[NDArray[np.uint8]], tmp_path: Path) -> None:
    with pytest.raises(edgefeat.SourceError, match="mask: covers the whole picture"):
        masked((0, 0, 1, 1), frames=blinking)
    with pytest.raises(edgefeat.SourceError, match="mask: 200x100 at 0,500 reaches out of the"):
        masked((0, 500, 200, 100), frames=blinking)
    white = tmp_path / "white.png"
    cv2.imwrite(str(white), np.full((4, 4), 255, np.uint8))
    with pytest.raises(edgefeat.ImageError, match=r"black where motion does not count.*all white"):
        masked(white, frames=blinking)
    with pytest.raises(edgefeat.ImageError, match="nowhere"):
        masked("nowhere.png", frames=blinking)
    with pytest.raises(OptionError, match="mask: expected x,y,width,height"):
        Selection.of(mask=[(1, 2)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"at_least_s": 60}, "at_least_s: has no effect without motion or novelty."),
        ({"motion_area": 0.1}, "motion_area: has no effect without motion."),
        ({"leave": 0.5, "fps": 1}, "leave: has no effect without motion or novelty."),
        ({"motion": 8, "at_least_s": "soon"}, "at_least_s: expected a time such as 60s or 10m,"),
        ({"motion": 8, "at_least_s": "-5s"}, "at_least_s: expected a time such as 60s or 10m,"),
        ({"motion": 8, "motion_area": 2}, "motion_area: expected a share up to 1, got 2."),
        ({"motion": 8, "leave": 0}, "leave: expected a number above 0, got 0."),
    ],
    ids=["heartbeat", "area", "leave", "word", "negative", "large-area", "no-leave"],
)
def test_options_that_have_no_effect_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as raised:
        Selection(**options)
    assert str(raised.value).startswith(message)


def test_a_heartbeat_needs_times(image: Image) -> None:
    with pytest.raises(OptionError) as raised:
        edgefeat.stream(
            ArraySource([image.astype(np.uint8)]),
            Colours(),
            selection=Selection.of(motion=8, at_least_s="1m"),
        )
    assert str(raised.value) == (
        "at_least_s: the frames of arrays have no times, so every 60 s means nothing. Leave it out."
    )
