"""Cuts the body that an MJPEG camera sends over HTTP into its parts.

RFC 2046 says how a multipart body should be; cameras differ: boundaries with and without the
leading dashes, others than they state, or not stated at all; parts with and without headers and
Content-Length, and lengths that are wrong. A picture is given as soon as its last byte is here,
never held back until the next one's boundary.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edgefeat.sources.base import FrameError
from edgefeat.sources.jpeg_end import MAX_PICTURE_BYTES, START_OF_JPEG, JpegEnd

__all__ = ["Part", "PartReader", "boundary_of"]

_MAX_PART_BYTES = MAX_PICTURE_BYTES
_MAX_HEADER_BYTES = 16 * 2**10
_MAX_PREAMBLE_BYTES = 64 * 2**10
_LINE_ENDS = b"\r\n"
_END_OF_JPEG = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body.

    Attributes:
        headers: The part's headers; their names are in lower case.
        body: The bytes after the headers, such as a JPEG.
        arrived_at: `time.monotonic()` when the boundary before the part had come.
    """

    headers: dict[str, str]
    body: bytes
    arrived_at: float


class _EndOfStreamError(Exception):
    """The stream of bytes is over."""


def boundary_of(content_type: str) -> bytes | None:
    """Return the line between parts that a `Content-Type` states; None if it states none."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        value = value.strip().strip("\"'").removeprefix("--")
        if name.strip().lower() == "boundary" and value:
            # Some cameras state the boundary with the dashes that belong before it.
            return b"--" + value.encode("latin-1", "replace")
    return None


class PartReader:
    """Reads parts from a stream of bytes.

    Args:
        receive: Waits for and returns the next bytes; empty at the end of the stream.
        stated: What `boundary_of` gave. If the first line that looks like a boundary is another
            one, that one counts.

    Attributes:
        notice: What the camera does differently from what it states; None at first.
    """

    def __init__(self, receive: Callable[[], bytes], stated: bytes | None) -> None:
        self._receive, self._stated = receive, stated
        self._boundary: bytes | None = None
        self._buffer = bytearray()
        self._lengths_hold = True
        self.notice: str | None = None

    def next_part(self) -> Part | None:
        """Wait for the next whole part; None at the end of the stream.

        Raises:
            FrameError: A part that is cut off or too long; the next call looks for the next one.
        """
        try:
            if self._boundary is None:
                self._boundary = self._found_boundary()
            self._take(self._find(self._boundary, _MAX_PART_BYTES) + len(self._boundary))
            arrived_at = time.monotonic()
            if self._line().startswith(b"--"):  # the closing boundary
                return None
            headers = self._headers()
            return Part(headers, self._body(headers.get("content-length", "")), arrived_at)
        except _EndOfStreamError:
            return None

    def _found_boundary(self) -> bytes:
        """Return the boundary that the camera really uses, and leave it in the buffer."""
        start = 0
        while True:
            end = self._buffer.find(b"\n", start)
            if end < 0:
                self._check_room(_MAX_PREAMBLE_BYTES, "no boundary between parts")
                self._more()
                continue
            line = bytes(self._buffer[start:end]).strip(_LINE_ENDS)
            boundary = self._boundary_in(line)
            if boundary is not None:
                del self._buffer[:start]
                return boundary
            start = end + 1

    def _boundary_in(self, line: bytes) -> bytes | None:
        if self._stated is not None and self._stated in line:
            return self._stated
        bare = None if self._stated is None else self._stated.removeprefix(b"--")
        if line == bare or (line.startswith(b"--") and line.strip(b"-")):
            stated = "none" if self._stated is None else repr(self._stated.decode("latin-1"))
            self.notice = (
                f"the camera states the boundary {stated} and sends {line.decode('latin-1')!r}"
            )
            return line
        return None

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        size = 0
        while len(self._buffer) < len(START_OF_JPEG):
            self._more()
        if self._buffer.startswith(START_OF_JPEG):  # no headers, and no empty line either
            return headers
        while line := self._line():
            size += len(line)
            if size > _MAX_HEADER_BYTES:
                raise FrameError(f"a part's header is longer than {_MAX_HEADER_BYTES} bytes")
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return headers

    def _body(self, stated: str) -> bytes:
        if not (self._lengths_hold and stated.isdecimal() and int(stated) <= _MAX_PART_BYTES):
            return self._body_to_boundary()
        length = int(stated)
        while len(self._buffer) < length:
            self._more()
        early = self._buffer.find(b"\n" + self._between, 0, length)
        if early < 0:
            return self._take(length)
        # The next part began inside this one: it was cut off, or the length is wrong.
        self._lengths_hold = False
        body = self._take(early)
        if not body.rstrip(b"\r\n").endswith(_END_OF_JPEG):
            raise FrameError(f"a part says {length} bytes and ends after {len(body)}")
        return body

    def _body_to_boundary(self) -> bytes:
        """Take a body without a length: a JPEG to its own end, all else to the boundary."""
        while len(self._buffer) < len(START_OF_JPEG):
            self._more()
        end = JpegEnd() if self._buffer.startswith(START_OF_JPEG) else None
        start = 0
        while True:
            whole = None if end is None else end.find(self._buffer)
            at = self._buffer.find(self._between, start)
            # A boundary inside means that the picture was cut off; a thumbnail cannot hold one.
            if whole is not None and (at < 0 or whole <= at):
                return self._take(whole)
            if at >= 0:
                return self._take(at)
            start = self._next_start(self._between, _MAX_PART_BYTES)
            self._more()

    @property
    def _between(self) -> bytes:
        return self._boundary or b""

    def _line(self) -> bytes:
        return self._take(self._find(b"\n", _MAX_HEADER_BYTES) + 1).rstrip(b"\r\n")

    def _find(self, mark: bytes, limit: int) -> int:
        """Return where a mark stands, receiving as needed."""
        start = 0
        while (at := self._buffer.find(mark, start)) < 0:
            start = self._next_start(mark, limit)
            self._more()
        return at

    def _next_start(self, mark: bytes, limit: int) -> int:
        self._check_room(limit, "no end of a part")
        return max(0, len(self._buffer) - len(mark) + 1)

    def _check_room(self, limit: int, problem: str) -> None:
        if len(self._buffer) > limit:
            self._buffer.clear()
            raise FrameError(f"{problem} within {limit} bytes")

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _more(self) -> None:
        received = self._receive()
        if not received:
            raise _EndOfStreamError
        self._buffer += received
