"""Live video that OpenCV decodes: each size keeps its shape, each codec and each packet comes."""

from __future__ import annotations

import collections
import itertools
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat.arrays import Pixels
from edgefeat.options.video import VideoOptions
from edgefeat.pictures.decode import load_bgr
from edgefeat.sources import open_source
from edgefeat.sources.base import FrameError
from edgefeat.sources.decoders.base import OpenRequest
from edgefeat.sources.decoders.opencv import open_capture
from edgefeat.sources.decoders.opencv_live import LiveOpenCvDecoder
from edgefeat.streaming import Event, EventKind, Limits, Stream
from edgefeat.testing.faults import frame_number
from http_server import jpeg, raw_served
from streams_support import NumberReader
from video_server import FPS, LiveHls, segments, served, write_clip

DATA = Path(__file__).parents[2] / "data" / "video"
BY_OPENCV = VideoOptions.of(decoder="opencv")
ONCE = Limits(timeout_s=5, reconnect=0)
SIZES = ((64, 192), (128, 384), (96, 288))
FRAMES = 30
PACE_S = 0.01


class Sizes(NumberReader):
    """An extractor whose features are the frame's height and width."""

    def extract_prepared(self, images: Any) -> Any:
        return np.array([image.shape[:2] for image in images], np.float32)


@contextmanager
def live(data: bytes) -> Iterator[str]:
    """Serve video as a camera does: without a length, piece by piece, and then hang up."""

    def camera(connection: Any, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/x\r\n\r\n")
        pieces = max(1, len(data) // FRAMES)
        for at in range(0, len(data), pieces):
            connection.sendall(data[at : at + pieces])
            time.sleep(PACE_S)

    with raw_served(camera) as url:
        yield url


def joined(streams: Iterable[bytes]) -> bytes:
    """Join transport streams. Where counters of packets jump, a packet would count as damaged."""
    data, counters = bytearray(b"".join(streams)), collections.Counter[int]()
    for at in range(0, len(data), 188):
        place = int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF
        has_payload = bool(data[at + 3] & 0x10)
        data[at + 3] = data[at + 3] & 0xF0 | (counters[place] - (not has_payload)) % 16
        counters[place] += has_payload
    return bytes(data)


def frames(url: str) -> Iterator[Pixels]:
    """Read until the camera hangs up; none is dropped, however slow the test is."""
    with closing(open_source(url, video=BY_OPENCV).open(timeout_s=5)) as reader:
        while True:
            try:
                reader.grab()
            except FrameError:
                continue
            except edgefeat.SourceError:
                return
            yield load_bgr(reader.retrieve())


def test_a_turned_camera_keeps_its_shape() -> None:
    """The clip is H.264, with frames that are displayed in another order than they come in."""
    events: list[Event] = []
    with live((DATA / "aspect.ts").read_bytes()) as url:
        source = open_source(url, video=BY_OPENCV)
        stream = Stream(source, Sizes(), policy="all", limits=ONCE, on_event=events.append)
        found: list[tuple[int, ...]] = []
        with pytest.raises(edgefeat.SourceError, match="broke off"):
            found.extend(tuple(map(int, result.features)) for result in stream)
    assert [size for size, _ in itertools.groupby(found)] == [(240, 320), (320, 240)]
    told = [event.what for event in events if event.kind is EventKind.RESIZED]
    assert told == ["320x240 became 240x320"]
    health = stream.health()
    assert health.captured == health.emitted + health.dropped >= 49
    assert health.garbage == 0


@pytest.mark.parametrize("codec", ["mpg2", "mp4v", "MJPG"])
def test_no_frame_is_lost_or_doubled_where_the_size_changes(tmp_path: Path, codec: str) -> None:
    if codec == "MJPG":
        data = b"".join(jpeg(n, size_hw) for size_hw in SIZES for n in range(FRAMES))
    else:
        clips = [
            write_clip(tmp_path / f"{n}.ts", FRAMES, codec=codec, size_hw=size_hw)
            for n, size_hw in enumerate(SIZES)
        ]
        data = joined(clip.read_bytes() for clip in clips)
    with live(data) as url:
        found = [(*image.shape[:2], frame_number(image)) for image in frames(url)]
    shown = [(*size_hw, n) for size_hw in SIZES for n in range(FRAMES)]
    assert found == shown[: len(found)]
    assert len(found) >= len(shown) - 1  # only what comes next says where the last one ends


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("mp4v", "ts"),
        ("mpg2", "ts"),
        ("MJPG", "mkv"),
        ("VP80", "webm"),
        ("VP90", "webm"),
        ("FLV1", "flv"),
        ("WMV2", "asf"),
    ],
)
def test_each_codec_comes_whole(tmp_path: Path, codec: str, suffix: str) -> None:
    """Some have a name of Matroska's and some have not; some need more than their packets."""
    clip = write_clip(tmp_path / f"clip.{suffix}", FRAMES, codec=codec)
    with live(clip.read_bytes()) as url:
        found = [frame_number(image) for image in frames(url)]
    assert found == list(range(len(found)))
    assert len(found) >= FRAMES - 1


def test_live_hls_keeps_its_shape(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "small.ts", 96, codec="mpg2")
    large = write_clip(tmp_path / "large.ts", 300, codec="mpg2", size_hw=(128, 384))
    camera = LiveHls(segments(small, groups=2) + segments(large, groups=2), 24 / FPS)
    events: list[Event] = []
    found: list[tuple[int, ...]] = []
    with served(camera.answer) as url:
        source = open_source(f"{url}/live.m3u8", video=BY_OPENCV)
        with Stream(source, Sizes(), policy="all", on_event=events.append) as stream:
            for result in stream:
                found.append(tuple(map(int, result.features)))
                if len(found) == 150:
                    break
    assert [size for size, _ in itertools.groupby(found)] == [(64, 192), (128, 384)]
    assert EventKind.RESIZED in [event.kind for event in events]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_picture_is_upright(tmp_path: Path, degrees: int) -> None:
    """The container says how to turn it, as phones do; OpenCV alone turns what it opens itself."""
    clip = write_clip(tmp_path / "clip.mp4", 3)
    data = bytearray(clip.read_bytes())
    at = data.index(b"tkhd") + 44
    turned = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
    a, b, c, d = (value << 16 for value in turned[degrees])
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    clip.write_bytes(data)
    request = OpenRequest(place=str(clip), name="clip", timeout_s=5, live=True)
    decoder = LiveOpenCvDecoder.open(open_capture(request, packets=True), request)
    beside = cv2.VideoCapture(str(clip))
    for _ in range(3):
        assert decoder.grab()
        assert beside.grab()
        assert np.array_equal(decoder.retrieve(), beside.retrieve()[1])
    assert not decoder.grab()
    decoder.release()


def test_a_packet_that_cannot_be_decoded_is_no_loss() -> None:
    pictures = [jpeg(number) for number in range(FRAMES)]
    pictures[10] = pictures[10][:2] + bytes(len(pictures[10]) - 4) + pictures[10][-2:]
    with live(b"".join(pictures)) as url:
        found = [frame_number(image) for image in frames(url)]
    whole = [number for number in range(FRAMES) if number != 10]
    assert found == whole[: len(found)]
    assert len(found) >= FRAMES - 2
