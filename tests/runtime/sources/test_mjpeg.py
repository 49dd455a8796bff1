"""An MJPEG camera in a process of its own that is stalled, killed, restarted, and lies."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edgefeat
from edgefeat.errors import OptionError
from edgefeat.sources import ArraySource, open_source, redact
from edgefeat.sources.base import FrameError
from edgefeat.sources.multipart import PartReader, boundary_of
from edgefeat.streaming import Event, EventKind, Limits
from streams_support import NumberReader

PROGRAM = Path(__file__).parents[2] / "support" / "mjpeg_camera.py"
QUICK = Limits(timeout_s=0.6, stall_s=0.25, backoff_s=0.05, backoff_max_s=0.1)
LOGIN = "me:p%40ss%2Fword@"


class CameraProcess:
    """The camera program, on one port of the loopback for its life."""

    def __init__(self) -> None:
        self.port = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), str(self.port)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.port}/{path}"

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def camera() -> Iterator[CameraProcess]:
    process = CameraProcess()
    yield process
    process.kill()


@pytest.fixture
def mortal() -> Iterator[CameraProcess]:
    """A camera of the test's own, to stop and kill."""
    process = CameraProcess()
    yield process
    process.kill()


def numbers(url: str, *, until: int, limits: Limits = QUICK, **options: object) -> list[int]:
    """Read a camera until a frame's number, every frame."""
    stream = edgefeat.stream(url, NumberReader(), policy="all", limits=limits, **options)  # type: ignore[arg-type]
    seen: list[int] = []
    for result in stream:
        seen.append(int(result.features[0]))
        if seen[-1] >= until:
            break
    return seen


@pytest.mark.parametrize("path", ["live", "nolength", "dashes", "live?channel=1"])
def test_every_frame_comes_once_and_in_order(camera: CameraProcess, path: str) -> None:
    assert numbers(camera.url(path), until=20) == list(range(21))


@pytest.mark.parametrize("path", ["truncated", "noise"])
def test_damaged_frames_are_left_out(camera: CameraProcess, path: str) -> None:
    events: list[Event] = []
    seen = numbers(camera.url(path), until=18, on_event=events.append)
    assert seen == [n for n in range(19) if n % 3 != 2]
    kinds = {event.kind for event in events}
    assert kinds == {EventKind.CONNECTED, EventKind.GARBAGE, EventKind.ENDED}


def test_a_wrong_length_costs_no_frame(camera: CameraProcess) -> None:
    assert numbers(camera.url("wronglength"), until=20) == list(range(21))


def test_the_cameras_clock_is_passed_on(camera: CameraProcess) -> None:
    for result in edgefeat.stream(camera.url("live"), NumberReader(), limits=QUICK):
        assert result.media_s == pytest.approx(result.features[0] / 50)
        assert result.wall_time == pytest.approx(time.time(), abs=2)
        break


def test_a_new_size_is_told(camera: CameraProcess) -> None:
    events: list[Event] = []
    numbers(camera.url("resize"), until=15, on_event=events.append)
    assert [e.message for e in events if e.kind is EventKind.RESIZED] == ["192x64 became 256x96"]


def test_a_camera_that_closes_is_connected_to_again(camera: CameraProcess) -> None:
    events: list[Event] = []
    stream = edgefeat.stream(
        camera.url("ends"), NumberReader(), policy="all", limits=QUICK, on_event=events.append
    )
    seen = []
    for result in stream:
        seen.append(int(result.features[0]))
        if len(seen) == 25:
            break
    assert seen == [*range(10), *range(10), *range(5)]
    assert result.index == 24
    kinds = [event.kind for event in events]
    assert kinds.count(EventKind.LOST) == kinds.count(EventKind.RECOVERED) == 2


def test_a_stopped_camera_is_stalled_then_lost_then_recovered(mortal: CameraProcess) -> None:
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if event.kind is EventKind.RETRY:
            mortal.signal(signal.SIGCONT)

    stream = edgefeat.stream(mortal.url("live"), NumberReader(), limits=QUICK, on_event=on_event)
    stopped_at = 0.0
    for result in stream:
        if result.index >= 5 and not stopped_at:
            mortal.signal(signal.SIGSTOP)
            stopped_at = time.monotonic()
        if EventKind.RECOVERED in [e.kind for e in events]:
            break
    kinds = [event.kind for event in events]
    order = [EventKind.CONNECTED, EventKind.STALLED, EventKind.LOST, EventKind.RETRY]
    assert list(dict.fromkeys(kinds)) == [*order, EventKind.RECOVERED, EventKind.ENDED]
    lost = next(e for e in events if e.kind is EventKind.LOST)
    assert lost.message == "no bytes for 0.6 s."
    assert lost.at - stopped_at < QUICK.timeout_s + 0.5


def test_a_killed_camera_is_found_again_after_its_restart(mortal: CameraProcess) -> None:
    events: list[Event] = []

    def on_event(event: Event) -> None:
        events.append(event)
        if event.kind is EventKind.RETRY and mortal.process.poll() is not None:
            mortal.start()

    stream = edgefeat.stream(mortal.url("live"), NumberReader(), limits=QUICK, on_event=on_event)
    indexes = []
    killed = False
    for result in stream:
        indexes.append(result.index)
        if result.index >= 5 and not killed:
            killed = True
            mortal.kill()
        if EventKind.RECOVERED in [e.kind for e in events]:
            break
    assert indexes == sorted(set(indexes))
    lost = next(e for e in events if e.kind is EventKind.LOST)
    assert "closed the connection" in lost.message or "connection broke" in lost.message


def test_a_camera_that_trickles_is_lost_at_the_timeout(camera: CameraProcess) -> None:
    """Single bytes keep a socket alive and are no frame."""
    limits = Limits(timeout_s=0.5, reconnect=0)
    with pytest.raises(edgefeat.SourceError, match=r"no frame for 0\.5 s"):
        numbers(camera.url("trickle"), until=100, limits=limits)


@pytest.mark.parametrize("path", ["basic", "digest", "moved"])
def test_log_in(camera: CameraProcess, path: str) -> None:
    assert numbers(camera.url(path, LOGIN), until=3) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("path", "login", "message"),
    [
        ("basic", "me:wrong@", "log-in refused. Check user and password in the URL."),
        ("digest", "me:wrong@", "log-in refused. Check user and password in the URL."),
        ("basic", "", "log-in refused. Check user and password in the URL."),
        ("missing", "", "the camera answered 404. Check the URL's path."),
        (
            "picture",
            "",
            "no whole picture in 1 answers; a frame of 0 bytes: the file is empty. Check the URL.",
        ),
    ],
    ids=["basic", "digest", "no-log-in", "missing", "picture"],
)
def test_refusals_say_what_to_do(
    camera: CameraProcess, path: str, login: str, message: str
) -> None:
    with pytest.raises(edgefeat.SourceError) as raised:
        numbers(camera.url(path, login), until=1)
    shown = camera.url(path, "***@" if login else "")
    assert str(raised.value) == f"{shown}: {message}"


def test_nobody_there_and_nobody_answering() -> None:
    with closing(socket.socket()) as mute:
        mute.bind(("127.0.0.1", 0))
        port = mute.getsockname()[1]
        with pytest.raises(edgefeat.SourceError) as raised:
            numbers(f"http://127.0.0.1:{port}/", until=1)
        assert str(raised.value) == (
            f"http://127.0.0.1:{port}/: cannot connect: Connection refused. Check the URL."
        )
        mute.listen()
        with pytest.raises(edgefeat.SourceError, match=r"no answer in 0\.6 s\. Is the camera on"):
            numbers(f"http://127.0.0.1:{port}/", until=1)


HIDDEN = [
    ("rtsp://admin:hunter2@cam/live", "rtsp://***@cam/live"),
    ("http://admin:p@ss/wo:rd@cam:80/v", "http://***@cam:80/v"),
    ("http://cam/v.cgi?user=admin&pwd=hunter2", "http://cam/v.cgi?user=***&pwd=***"),
    ("rtsp://cam/user=admin&password=hunter2&channel=1", None),
    ("cannot open rtsp://a:hunter2@h/x, nor http://b:hunter2@h/", None),
    ("photos/a@b.jpg", "photos/a@b.jpg"),
]


@pytest.mark.parametrize(("text", "expected"), HIDDEN, ids=range(len(HIDDEN)))
def test_passwords_are_taken_out(text: str, expected: str | None) -> None:
    shown = redact(text)
    assert "hunter2" not in shown
    assert expected is None or shown == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hunter2@127.0.0.1:9/x",
        "http://me:hunter2@127.0.0.1:port/x",
        "http://me:hunter2@/x",
        "http://me:hunter2@[::1/x",
        "rtsp://me:hunter2@127.0.0.1:9/x",
        "rtsp://127.0.0.1:9/user=me&password=hunter2",
        "file:///me:hunter2@x",
    ],
    ids=["refused", "port", "host", "bracket", "rtsp", "path", "file"],
)
def test_no_error_and_no_traceback_shows_a_password(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(edgefeat.SourceError) as raised:
        numbers(url, until=1)
    said = "".join(traceback.format_exception(raised.value))
    code_lines = [line for line in said.splitlines() if "hunter2" in line]
    assert code_lines == []
    captured = capfd.readouterr()
    assert "hunter2" not in captured.out + captured.err


def test_no_source_shows_a_password() -> None:
    for url in ("http://me:hunter2@cam/x", "rtsp://me:hunter2@cam/x"):
        source = open_source(url)
        assert "hunter2" not in source.name + repr(source)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", b"--frame"),
        ("multipart/x-mixed-replace;boundary=--frame", b"--frame"),
        ('Multipart/Mixed; charset=x; Boundary="a b"', b"--a b"),
        ("multipart/x-mixed-replace", None),
        ("multipart/x-mixed-replace; boundary='frame'", b"--frame"),
        ("multipart/x-mixed-replace; boundary=", None),
        ("image/jpeg", None),
    ],
    ids=["plain", "dashes", "quoted", "none", "single", "empty", "picture"],
)
def test_boundaries(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("chunk", [1, 2, 7, 64, 10_000])
def test_parts_do_not_depend_on_how_bytes_arrive(chunk: int) -> None:
    bodies = [bytes([n]) * 50 + b"\xff\xd9" for n in range(1, 6)]
    lengths = ["52", "", "52", "10000", "52"]  # the fourth is wrong
    data = b"junk before\r\n"
    for body, length in zip(bodies, lengths, strict=True):
        head = f"Content-Length: {length}\r\n" if length else ""
        data += b"--x\r\n" + head.encode() + b"\r\n" + body + b"\r\n"
    pieces = [data[i : i + chunk] for i in range(0, len(data), chunk)] + [b"--x--\r\n"]
    parts = PartReader(lambda: pieces.pop(0) if pieces else b"", b"--x")
    got = []
    while (part := parts.next_part()) is not None:
        got.append(part.body.rstrip(b"\r\n"))
    assert got[:3] == bodies[:3]
    # Nothing after the wrong length can be told to be whole before its bytes are there.
    assert got in (bodies, bodies[:3])


@given(st.lists(st.binary(max_size=40), max_size=30), st.booleans())
def test_no_bytes_break_the_reader(pieces: list[bytes], spiced: bool) -> None:
    spice = [b"\r\n--x\r\n", b"Content-Length: 3\r\n\r\n", b"\xff\xd9", b"--x--"]
    sent = [b for pair in zip(pieces, spice * 8, strict=False) for b in pair] if spiced else pieces
    left = [piece for piece in sent if piece]
    parts = PartReader(lambda: left.pop(0) if left else b"", b"--x")
    for _ in range(len(sent) + 2):
        with suppress(FrameError):
            if parts.next_part() is None:
                break
    else:
        pytest.fail("the reader gave more parts than there were pieces")


def test_a_part_without_end_is_refused_and_not_kept() -> None:
    sent = iter([b"--x\r\n", *([b"name: value\r\n"] * 3000)])
    with pytest.raises(FrameError, match="header is longer than 16384 bytes"):
        PartReader(lambda: next(sent), b"--x").next_part()


def test_options_of_other_sources_are_refused() -> None:
    with pytest.raises(OptionError, match="watch: does not go with the source arrays"):
        open_source(ArraySource([]), watch=True)
