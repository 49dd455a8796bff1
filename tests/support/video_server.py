"""HTTP servers of the tests' own: a live HLS camera, and files with and without ranges.

The clips are numbered frames, MPEG-4 in a transport stream that is cut at key frames, as an HLS
packager does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2

from edgefeat.testing.faults import numbered_frame

FPS = 25
_PACKET = 188


def write_clip(
    path: Path, frames: int, *, codec: str = "mp4v", size_hw: tuple[int, int] = (64, 192)
) -> Path:
    """Write a video of numbered frames, 25 a second; its suffix says in which container."""
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), FPS, size_hw[::-1]
    )
    assert writer.isOpened()
    for number in range(frames):
        writer.write(numbered_frame(number, size_hw))
    writer.release()
    return path


def segments(clip: Path, groups: int) -> list[bytes]:
    """Cut a transport stream before key frames, into pieces of so many groups of 12 frames."""
    data = clip.read_bytes()
    keys = [
        at
        for at in range(0, len(data), _PACKET)
        if data[at + 3] & 0x20 and data[at + 4] and data[at + 5] & 0x40  # random access indicator
    ]
    tables, starts = data[: keys[0]], keys[::groups]
    ends = [*starts[1:], len(data)]
    return [tables + data[start:end] for start, end in zip(starts, ends, strict=True)]


class LiveHls:
    """A live playlist over segments: one more is ready after each segment's time.

    Attributes:
        away: Set to answer nothing but 404.
    """

    def __init__(self, pieces: list[bytes], segment_s: float, *, listed: int = 3) -> None:
        self.pieces, self.segment_s, self.listed = pieces, segment_s, listed
        self.started_at = time.monotonic()
        self.away = threading.Event()

    def answer(self, path: str) -> tuple[str, bytes] | None:
        if self.away.is_set():
            return None
        if path == "/live.m3u8":
            return "application/vnd.apple.mpegurl", self._playlist().encode()
        number = int(path.strip("/").partition(".")[0])
        return "video/mp2t", self.pieces[number]

    def _playlist(self) -> str:
        ready = self.listed + int((time.monotonic() - self.started_at) / self.segment_s)
        ready = min(ready, len(self.pieces))
        first = ready - self.listed
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:3",
            f"#EXT-X-TARGETDURATION:{max(1, round(self.segment_s))}",
            f"#EXT-X-MEDIA-SEQUENCE:{first}",
        ]
        for number in range(first, ready):
            lines += [f"#EXTINF:{self.segment_s:.3f},", f"{number}.ts"]
        return "\n".join(lines) + "\n"


@contextmanager
def served(answer: Callable[[str], tuple[str, bytes] | None]) -> Iterator[str]:
    """Serve answers of (type, body) for paths; the URL of the server is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answer(self.path)
            if found is None:
                self.send_error(404)
                return
            kind, body = found
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with _running(Handler) as url:
        yield url


@contextmanager
def served_file(path: Path, *, ranges: bool, cut_at: int | None = None) -> Iterator[str]:
    """Serve one file under its name; `cut_at` closes the connection after so many bytes."""
    data = path.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            start = 0
            asked = self.headers.get("Range", "") if ranges else ""
            if asked:
                start = int(asked.removeprefix("bytes=").partition("-")[0])
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            if ranges:
                self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.wfile.write(data[start:cut_at])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with _running(Handler) as url:
        yield f"{url}/{path.name}"


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # the other side went away, as it may

    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
