"""A video whose size changes: OpenCV would stretch it, so those frames are left out and counted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat.options.video import VideoOptions
from edgefeat.sources import open_source
from edgefeat.streaming import Event, EventKind, Stream

VIDEOS = Path(__file__).parents[2] / "data" / "video"
BY_OPENCV = VideoOptions.of(decoder="opencv")


class Sizes:
    """An extractor whose features are the frame's height and width."""

    fingerprint = "sizes"

    def prepare(self, image: Any) -> Any:
        return image

    def extract_prepared(self, images: Any) -> Any:
        return np.array([image.shape[:2] for image in images], np.float32)


def read(path: Path) -> tuple[list[tuple[int, tuple[float, ...]]], Stream, list[Event]]:
    events: list[Event] = []
    stream = Stream(open_source(path, video=BY_OPENCV), Sizes(), on_event=events.append)
    return [(r.index, tuple(map(int, r.features))) for r in stream], stream, events


def jpegs(*sizes_hw: tuple[int, int]) -> bytes:
    """Three JPEGs of each size, one after the other, as FFmpeg reads a file of that name."""
    drawn = np.random.default_rng(0)
    made = bytearray()
    for height, width in sizes_hw:
        for _ in range(3):
            picture = drawn.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
            enlarged = cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST)
            made += cv2.imencode(".jpg", enlarged)[1].tobytes()
    return bytes(made)


def test_frames_in_display_order_are_left_out_to_the_frame() -> None:
    """The clip is H.264, with frames that are displayed in another order than they come in."""
    given, stream, events = read(VIDEOS / "aspect.ts")
    assert given == [(index, (240, 320)) for index in range(25)]
    health = stream.health()
    assert (health.captured, health.emitted, health.garbage) == (50, 25, 25)
    (told,) = [event.message for event in events if event.kind is EventKind.GARBAGE]
    assert told == (
        "a frame of 240x320 in a video that began with 320x240: OpenCV would stretch it. Install "
        "PyAV, which keeps its shape: pip install 'edgefeat[av]'."
    )


def test_a_size_that_comes_back_is_given_again(tmp_path: Path) -> None:
    path = tmp_path / "clip.mjpeg"
    path.write_bytes(jpegs((120, 160), (160, 120), (240, 320), (120, 160)))
    given, stream, events = read(path)
    assert given == [(index, (120, 160)) for index in (0, 1, 2, 9, 10, 11)]
    assert stream.health().garbage == 6
    assert [event.kind for event in events].count(EventKind.GARBAGE) == 1


@pytest.mark.parametrize("name", ["vfr.mp4", "one_size.mjpeg"])
def test_a_video_of_one_size_is_given_whole(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "vfr.mp4":
        shutil.copy(VIDEOS / name, path)
    else:
        path.write_bytes(jpegs((122, 162), (122, 162)))
    given, stream, _ = read(path)
    assert stream.health().garbage == 0
    assert len({size for _, size in given}) == 1
    assert len(given) == stream.health().captured


def test_the_command_says_so_and_ends_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from edgefeat.cli.main import main

    output = tmp_path / "a.jsonl"
    source = ["stream", str(VIDEOS / "aspect.ts"), "--decoder", "opencv"]
    code = main([*source, "--every", "10", "-o", str(output)])
    said = capsys.readouterr().err
    assert code == 1
    assert "OpenCV would stretch it" in said
    assert "25 damaged" in said
    assert len(edgefeat.FeatureSet.read(output)) == 3
