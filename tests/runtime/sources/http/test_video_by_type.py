"""Video over HTTP is known by what the server says of it, not by the URL's ending."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import edgefeat
from edgefeat.options.video import DecoderName, VideoOptions
from edgefeat.sources import open_source
from edgefeat.streaming import Event, EventKind, Limits
from http_server import Answer, served
from streams_support import NumberReader
from video_server import write_clip

ONCE = Limits(timeout_s=3, reconnect=0)
FRAMES = 60


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_clip(folder / "clip.ts", FRAMES)
    return folder


def sent(data: bytes, kind: str, *, with_length: bool, pieces: int = 20) -> Answer:
    """Return a server that sends a video in pieces, with a pause between two."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if kind:
            request.send_header("Content-Type", kind)
        if with_length:
            request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        size = len(data) // pieces + 1
        for start in range(0, len(data), size):
            request.wfile.write(data[start : start + size])
            time.sleep(0 if with_length else 0.02)

    return answer


@pytest.mark.parametrize("kind", ["video/mp2t", "application/octet-stream", ""])
def test_a_live_stream_needs_no_ending(clips: Path, kind: str) -> None:
    data = (clips / "clip.ts").read_bytes()
    with served(sent(data, kind, with_length=False)) as url:
        stream = edgefeat.stream(f"{url}/live", NumberReader(), policy="all", limits=ONCE)
        seen: list[int] = []
        with pytest.raises(edgefeat.SourceError, match="the stream broke off"):
            seen.extend(int(result.features[0]) for result in stream)
    assert stream.live
    # FFmpeg reads ahead until it knows the stream; those frames come in a burst.
    assert seen == sorted(set(seen))
    health = stream.health()
    assert health.captured == FRAMES == health.emitted + health.dropped


def test_a_live_stream_that_goes_silent_is_lost_in_time(clips: Path) -> None:
    data = (clips / "clip.ts").read_bytes()

    def silent(request: BaseHTTPRequestHandler) -> None:
        sent(data, "video/mp2t", with_length=False)(request)
        time.sleep(5)

    with served(silent) as url:
        limits = Limits(timeout_s=0.6, reconnect=0)
        stream = edgefeat.stream(f"{url}/live", NumberReader(), limits=limits)
        with pytest.raises(edgefeat.SourceError, match=r"no (bytes|frame) for 0\.6 s"):
            list(stream)


def test_a_recording_without_an_ending_gives_every_frame_once(clips: Path) -> None:
    data = (clips / "clip.ts").read_bytes()
    events: list[Event] = []
    with served(sent(data, "application/octet-stream", with_length=True)) as url:
        stream = edgefeat.stream(f"{url}/get?id=7", NumberReader(), on_event=events.append)
        seen = [int(result.features[0]) for result in stream]
    assert not stream.live
    assert seen == list(range(FRAMES))
    assert EventKind.LOST not in [event.kind for event in events]


def test_ffmpeg_may_be_asked_for(clips: Path) -> None:
    data = (clips / "clip.ts").read_bytes()
    with served(sent(data, "text/html", with_length=True)) as url:
        stream = edgefeat.stream(f"ffmpeg+{url}/clip", NumberReader(), limits=ONCE)
        first = next(iter(stream))
        assert int(first.features[0]) == first.index
        with pytest.raises(edgefeat.SourceError, match="expected pictures or video, got text/html"):
            list(edgefeat.stream(f"{url}/clip", NumberReader(), limits=ONCE))


def test_pictures_of_damaged_packets_are_left_out(clips: Path) -> None:
    """Of five pictures a piece is lost on the way; OpenCV would fill it in."""
    data = (clips / "clip.ts").read_bytes()
    cells = [data[at : at + 188] for at in range(0, len(data), 188)]
    # A picture begins in a cell with the bit of a unit's start; the next cell is a part of it.
    starts = [n for n, c in enumerate(cells) if c[1] & 0x40 and b"\0\0\1\xe0" in c]
    lost = {n + 1 for n in starts[15:60:9] if not cells[n + 1][1] & 0x40}
    assert len(lost) == 5
    damaged = b"".join(cell for n, cell in enumerate(cells) if n not in lost)
    opened = VideoOptions(decoder=DecoderName.OPENCV)
    with served(sent(damaged, "video/mp2t", with_length=False)) as url:
        source = open_source(f"{url}/live", video=opened)
        stream = edgefeat.stream(source, NumberReader(), policy="all", limits=ONCE)
        with pytest.raises(edgefeat.SourceError):
            list(stream)
    assert stream.health().captured <= FRAMES - len(lost)
