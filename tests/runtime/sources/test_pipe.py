"""Frames on a pipe: raw layouts, padded rows, YUV4MPEG2, JPEGs one after the other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

import cv2
import numpy as np
import pytest

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import PixelFormat, RawFormat
from edgefeat.sources.stdin import PipeSource
from edgefeat.streaming import EventKind, Limits, Selection, Stream
from edgefeat.testing.faults import numbered_frame
from http_server import jpeg, with_thumbnail
from streams_support import NumberReader


def pipe_of(data: bytes, *, stay_open: bool = False) -> BinaryIO:
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb") as file:
            file.write(data)
            file.flush()
            if stay_open:
                time.sleep(1)

    threading.Thread(target=write).start()
    return os.fdopen(reading, "rb")


def layouts() -> Iterator[tuple[PixelFormat, bytes, float]]:
    """The picture in every layout, and how far chroma subsampling may move a pixel on average."""
    bgr = cv2.GaussianBlur(numbered_frame(5), (0, 0), 4)
    yield PixelFormat.BGR24, bgr.tobytes(), 0
    yield PixelFormat.RGB24, bgr[..., ::-1].tobytes(), 0
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    yield PixelFormat.GRAY8, grey.tobytes(), 100
    i420 = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).reshape(-1)
    pixels = bgr.shape[0] * bgr.shape[1]
    luma, chroma = i420[:pixels], i420[pixels:].reshape(2, -1)
    yield PixelFormat.YUV420P, i420.tobytes(), 6
    yield PixelFormat.NV12, luma.tobytes() + chroma.T.tobytes(), 6
    yield PixelFormat.YUYV422, cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_YUYV).tobytes(), 6


@pytest.mark.parametrize(
    ("pixel", "data", "tolerance"), list(layouts()), ids=lambda v: getattr(v, "value", "")
)
def test_raw_frames_in_every_layout(pixel: PixelFormat, data: bytes, tolerance: float) -> None:
    expected = cv2.GaussianBlur(numbered_frame(5), (0, 0), 4).astype(int)
    with pipe_of(data * 3) as stream:
        reader = PipeSource(RawFormat(size_hw=(64, 192), pixel=pixel), stream=stream).open(
            timeout_s=5
        )
        for _ in range(3):
            assert reader.grab() is not None
            got = reader.retrieve()
            assert isinstance(got, np.ndarray)
            shown = cv2.cvtColor(got, cv2.COLOR_GRAY2BGR) if got.ndim == 2 else got
            assert shown.shape == expected.shape
            assert np.abs(shown - expected).mean() <= tolerance
        assert reader.grab() is None


def test_raw_frames_that_end_inside_one() -> None:
    with pipe_of(bytes(64 * 192 * 3 + 100)) as stream:
        source = PipeSource(RawFormat(size_hw=(64, 192)), stream=stream)
        records = iter(Stream(source, NumberReader()))
        next(records)
        with pytest.raises(edgefeat.SourceError) as raised:
            next(records)
    assert str(raised.value) == (
        "raw frames: ended inside a frame: got 100 of 36864 bytes. "
        "Check that the writer sends 192x64 bgr24."
    )


def test_raw_frames_that_stop_coming() -> None:
    with pipe_of(bytes(64 * 192 * 3), stay_open=True) as stream:
        source = PipeSource(RawFormat(size_hw=(64, 192)), stream=stream)
        kinds: list[EventKind] = []
        limits = Limits(timeout_s=0.4)
        made = Stream(
            source, NumberReader(), limits=limits, on_event=lambda e: kinds.append(e.kind)
        )
        with pytest.raises(edgefeat.SourceError, match=r"raw frames: no bytes for 0\.4 s"):
            list(made)
    assert kinds == [EventKind.CONNECTED, EventKind.STALLED, EventKind.LOST, EventKind.ENDED]


def test_odd_sizes_that_a_layout_cannot_have() -> None:
    with pytest.raises(OptionError, match="size_hw: expected even sides for nv12, got 641x480"):
        RawFormat(size_hw=(480, 641), pixel=PixelFormat.NV12)


def i420(number: int) -> bytes:
    return cv2.cvtColor(numbered_frame(number), cv2.COLOR_BGR2YUV_I420).tobytes()


def padded(frame: bytes, rows: int, stride: int) -> bytes:
    """Add bytes to the end of each row."""
    width = len(frame) // rows
    return b"".join(
        frame[at : at + width] + b"\xaa" * (stride - width) for at in range(0, len(frame), width)
    )


@pytest.mark.parametrize("pixel", [PixelFormat.YUV420P, PixelFormat.NV12, PixelFormat.BGR24])
def test_rows_may_be_padded(pixel: PixelFormat) -> None:
    if pixel is PixelFormat.BGR24:
        data = padded(numbered_frame(7).tobytes(), 64, 640)
        stride = 640
    else:
        planes, stride = i420(7), 256
        if pixel is PixelFormat.NV12:
            chroma = np.frombuffer(planes[64 * 192 :], np.uint8).reshape(2, -1).T.tobytes()
            data = padded(planes[: 64 * 192] + chroma, 96, stride)
        else:
            data = padded(planes[: 64 * 192], 64, stride)
            data += padded(planes[64 * 192 :], 64, stride // 2)
    raw = RawFormat(size_hw=(64, 192), pixel=pixel, stride=stride)
    with pipe_of(data * 2) as stream:
        assert numbers(PipeSource(raw, stream=stream)) == [7, 7]


def numbers(source: PipeSource, **selection: float) -> list[int]:
    stream = Stream(source, NumberReader(), selection=Selection(**selection))  # type: ignore[arg-type]
    return [int(result.features[0]) for result in stream]


@pytest.mark.parametrize(
    ("stride", "pixel", "got"),
    [(100, PixelFormat.YUV420P, 100), (193, PixelFormat.YUV420P, 193), (575, None, 575)],
    ids=["short", "odd", "short-bgr"],
)
def test_strides_that_cannot_be(stride: int, pixel: PixelFormat | None, got: int) -> None:
    with pytest.raises(OptionError, match=f"stride: expected at least .* got {got}"):
        RawFormat(size_hw=(64, 192), pixel=pixel or PixelFormat.BGR24, stride=stride)


def test_a_rate_gives_raw_frames_their_times() -> None:
    data = b"".join(numbered_frame(number).tobytes() for number in range(30))
    with pipe_of(data) as stream:
        source = PipeSource(RawFormat(size_hw=(64, 192), fps=10), stream=stream)
        assert numbers(source, fps=1) == [0, 10, 20]


Y4M = b"YUV4MPEG2 W192 H64 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG\n"


def test_y4m_says_everything_itself() -> None:
    data = Y4M + b"".join(b"FRAME\n" + i420(number) for number in range(50))
    with pipe_of(data) as stream:
        results = list(Stream(PipeSource(stream=stream), NumberReader()))
    assert [int(r.features[0]) for r in results] == list(range(50))
    assert [r.media_s for r in results] == pytest.approx([n / 25 for n in range(50)])
    with pipe_of(data) as stream:
        assert numbers(PipeSource(stream=stream), fps=5) == list(range(0, 50, 5))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (
            b"YUV4MPEG2 W192 H64 F25:1 C444\n",
            "expected frames of 4:2:0 or grey in 8 bits, got C444",
        ),
        (
            b"YUV4MPEG2 W192 H64 C420p10\n",
            "expected frames of 4:2:0 or grey in 8 bits, got C420p10",
        ),
        (b"YUV4MPEG2 W192\n", "the YUV4MPEG2 header makes no sense: W192"),
        (b"YUV4MPEG2 Wx H64\n", "the YUV4MPEG2 header makes no sense: Wx H64"),
        (b"YUV4MPEG2 W192", "the YUV4MPEG2 header has no end"),
        (b"YUV4MPEG2 " + b"X" * 2000, "the YUV4MPEG2 header has no end"),
        (Y4M + b"FRAME\n" + bytes(100), "ended inside a frame: got 100 of 18432 bytes"),
        (Y4M + b"FRAMX\n" + bytes(18432), "frame 0 does not begin with FRAME"),
        (b"hello there", "expected YUV4MPEG2, or JPEGs one after the other, got bytes that"),
        (b"", "expected YUV4MPEG2, or JPEGs one after the other, got no bytes"),
    ],
    ids=[
        "444",
        "10-bit",
        "short",
        "letters",
        "cut",
        "endless",
        "cut-frame",
        "shift",
        "text",
        "none",
    ],
)
def test_what_does_not_explain_itself(data: bytes, problem: str) -> None:
    with pipe_of(data) as stream, pytest.raises(edgefeat.SourceError) as raised:
        list(Stream(PipeSource(stream=stream), NumberReader()))
    assert raised.value.problem.startswith(problem)


def test_a_rate_of_y4m_without_one_is_refused() -> None:
    data = b"YUV4MPEG2 W192 H64 F0:0\nFRAME\n" + i420(1)
    with pipe_of(data) as stream, pytest.raises(edgefeat.SourceError, match="have no times"):
        numbers(PipeSource(stream=stream), fps=2)


def test_jpegs_one_after_the_other() -> None:
    pictures = [with_thumbnail(n) if n % 2 else jpeg(n) for n in range(20)]
    with pipe_of(b"".join(pictures)) as stream:
        assert numbers(PipeSource(stream=stream)) == list(range(20))


def test_a_damaged_jpeg_costs_no_other() -> None:
    pictures = [jpeg(n) for n in range(6)]
    junk = b"\0\0junk\xff"
    cut = pictures[5][: len(pictures[5]) // 2]
    with pipe_of(junk.join(pictures[:5]) + cut) as stream:
        made = Stream(PipeSource(stream=stream), NumberReader())
        assert [int(result.features[0]) for result in made] == list(range(5))
    assert made.health().garbage == 1


@pytest.mark.parametrize(
    ("pixel", "data", "tolerance"), list(layouts()), ids=lambda v: getattr(v, "value", "")
)
def test_a_raw_frame_that_nobody_takes_is_never_converted(
    pixel: PixelFormat, data: bytes, tolerance: float
) -> None:
    with pipe_of(data + bytes(len(data))) as stream:
        raw = RawFormat(size_hw=(64, 192), pixel=pixel)
        reader: Any = PipeSource(raw, stream=stream).open(timeout_s=5)
        assert reader.grab() is not None
        later, now = reader.retrieve_later(), reader.retrieve()
        assert later.size_hw == (64, 192)
        assert 0 < len(later.sample) < len(data) / 100
        reader.grab()  # the frame outlives the next one
        assert np.array_equal(later.convert(), now)
        reader.close()
