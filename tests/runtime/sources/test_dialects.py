"""MJPEG as cameras really send it: every picture comes, whatever stands around it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import cv2
import pytest

import edgefeat
from edgefeat.streaming import Event, EventKind, Limits
from edgefeat.testing.faults import numbered_frame
from http_server import jpeg, raw_served, with_thumbnail
from streams_support import NumberReader

ONCE = Limits(timeout_s=2, reconnect=0)
N = 8


def read(url: str) -> tuple[list[int], list[str], edgefeat.streaming.Health]:
    """Read a camera until it closes; return numbers, notices and health."""
    events: list[Event] = []
    stream = edgefeat.stream(url, NumberReader(), policy="all", limits=ONCE, on_event=events.append)
    seen: list[int] = []
    with pytest.raises(edgefeat.SourceError, match=r"closed the connection|connection broke"):
        seen.extend(int(result.features[0]) for result in stream)
    notices = [event.what for event in events if event.kind is EventKind.NOTICE]
    return seen, notices, stream.health()


def head(kind: str, *more: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([status, f"Content-Type: {kind}", *more, "", ""]).encode()


def part(picture: bytes, *, boundary: str = "--frame", length: bool = True) -> bytes:
    stated = f"Content-Length: {len(picture)}\r\n" if length else ""
    return f"{boundary}\r\nContent-Type: image/jpeg\r\n{stated}\r\n".encode() + picture + b"\r\n"


def other(kind: str, body: bytes) -> bytes:
    return (
        f"--frame\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
        + b"\r\n"
    )


def encoded(number: int, suffix: str) -> bytes:
    return cv2.imencode(suffix, numbered_frame(number))[1].tobytes()


MIXED = "multipart/x-mixed-replace"
FRAME = f"{MIXED}; boundary=frame"
STATES_OTHER = "the camera states the boundary '--other' and sends '--frame'"
LEFT_OUT = "parts of type application/json are left out: only pictures are read"
Dialect = tuple[bytes, Callable[[int], bytes], list[str]]
DIALECTS: dict[str, Dialect] = {
    "single-quotes": (head(f"{MIXED}; boundary='frame'"), lambda n: part(jpeg(n)), []),
    "another-boundary": (
        head(f"{MIXED}; boundary=other"),
        lambda n: part(jpeg(n)),
        [STATES_OTHER],
    ),
    "no-boundary-stated": (
        head(MIXED),
        lambda n: part(jpeg(n)),
        ["the camera states the boundary none and sends '--frame'"],
    ),
    "no-dashes": (
        head(FRAME),
        lambda n: part(jpeg(n), boundary="frame"),
        ["the camera states the boundary '--frame' and sends 'frame'"],
    ),
    "more-dashes": (head(FRAME), lambda n: part(jpeg(n), boundary="----frame"), []),
    "no-length": (head(FRAME), lambda n: part(jpeg(n), length=False), []),
    "thumbnails-without-length": (
        head(FRAME),
        lambda n: part(with_thumbnail(n), length=False),
        [],
    ),
    "no-headers": (head(FRAME), lambda n: b"--frame\r\n\r\n" + jpeg(n) + b"\r\n", []),
    "no-headers-no-line": (head(FRAME), lambda n: b"--frame\r\n" + jpeg(n) + b"\r\n", []),
    "length-of-nothing": (head(FRAME, "Content-Length: 0"), lambda n: part(jpeg(n)), []),
    "icecast": (head(FRAME, status="ICY 200 OK"), lambda n: part(jpeg(n)), []),
    "metadata-between": (
        head(FRAME),
        lambda n: other("application/json", b'{"motion": 1}') + part(jpeg(n)),
        [LEFT_OUT],
    ),
    "png": (head(FRAME), lambda n: other("image/png", encoded(n, ".png")), []),
    "webp": (head(FRAME), lambda n: other("image/webp", encoded(n, ".webp")), []),
    "bytes-after-the-end": (
        head(FRAME),
        lambda n: part(jpeg(n) + b"USER DATA", length=False),
        [],
    ),
    "endless-jpeg": (head("image/jpeg"), jpeg, []),
    "motion-jpeg": (head("video/x-motion-jpeg"), with_thumbnail, []),
}


@pytest.mark.parametrize(("start", "make", "notices"), DIALECTS.values(), ids=DIALECTS)
def test_every_picture_comes(
    start: bytes, make: Callable[[int], bytes], notices: list[str]
) -> None:
    def camera(connection: socket.socket, request: bytes) -> None:
        connection.sendall(start)
        for number in range(N):
            connection.sendall(make(number))
            time.sleep(0.01)

    with raw_served(camera) as url:
        seen, told, health = read(url)
    assert seen == list(range(N))
    assert told == notices
    assert (health.captured, health.garbage) == (N, 0)


def test_a_picture_in_slow_pieces_is_not_cut_at_its_thumbnail() -> None:
    picture = part(with_thumbnail(3), length=False)
    cut = picture.index(b"\xff\xd9") + 2

    def camera(connection: socket.socket, request: bytes) -> None:
        connection.sendall(head(FRAME))
        for piece in (picture[:cut], picture[cut:]) * 3:
            connection.sendall(piece)
            time.sleep(0.05)

    with raw_served(camera) as url:
        seen, _, health = read(url)
    assert (seen, health.garbage) == ([3, 3, 3], 0)


def test_a_last_picture_that_is_cut_is_no_picture() -> None:
    def camera(connection: socket.socket, request: bytes) -> None:
        connection.sendall(head("video/x-motion-jpeg") + jpeg(0) + jpeg(1)[:-300])

    with raw_served(camera) as url:
        seen, _, health = read(url)
    assert (seen, health.captured, health.garbage) == ([0], 2, 1)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (head("text/html") + b"<html>", "expected pictures or video, got text/html"),
        (head("application/octet-stream") + b"no video", "not a video that FFmpeg reads"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", "the camera answered 503"),
        (b"HTTP/1.1 204 Nothing\r\n\r\n", "the camera answered 204"),
        (b"SSH-2.0-OpenSSH\r\n", "cannot connect: BadStatusLine"),
        (b"ICY x OK\r\n", "cannot connect: BadStatusLine"),
        (b"", "cannot connect: RemoteDisconnected"),
    ],
    ids=["page", "bytes", "busy", "nothing", "ssh", "icy", "closed"],
)
def test_what_is_no_camera(answer: bytes, problem: str) -> None:
    with (
        raw_served(lambda connection, _: connection.sendall(answer)) as url,
        pytest.raises(edgefeat.SourceError) as raised,
    ):
        list(edgefeat.stream(url, NumberReader(), limits=ONCE))
    assert raised.value.problem == problem
