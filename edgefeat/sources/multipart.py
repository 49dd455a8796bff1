"""Cuts the body that an MJPEG camera sends over HTTP into its pictures.

RFC 2046 says how a multipart body should be; cameras differ: boundaries with and without the
leading dashes, parts with and without Content-Length, and lengths that are wrong. A picture is
given as soon as its last byte is here, never held back until the next one's boundary.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edgefeat.sources.base import FrameError

__all__ = ["Part", "PartReader", "boundary_of"]

_MAX_PART_BYTES = 64 * 2**20
_MAX_HEADER_BYTES = 16 * 2**10
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
    """Return the line between parts that a `Content-Type` states; None if it is not multipart."""
    kind, *parameters = content_type.split(";")
    if not kind.strip().lower().startswith("multipart/"):
        return None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "boundary":
            # Some cameras state the boundary with the dashes that belong before it.
            return b"--" + value.strip().strip('"').removeprefix("--").encode("latin-1")
    return None


class PartReader:
    """Reads parts from a stream of bytes.

    Args:
        receive: Waits for and returns the next bytes; empty at the end of the stream.
        boundary: The bytes between two parts, from `boundary_of`.
    """

    def __init__(self, receive: Callable[[], bytes], boundary: bytes) -> None:
        self._receive, self._boundary = receive, boundary
        self._buffer = bytearray()
        self._lengths_hold = True

    def next_part(self) -> Part | None:
        """Wait for the next whole part; None at the end of the stream.

        Raises:
            FrameError: A part that is cut off or too long; the next call looks for the next one.
        """
        try:
            self._take(self._find(self._boundary, _MAX_PART_BYTES) + len(self._boundary))
            arrived_at = time.monotonic()
            if self._line().startswith(b"--"):  # the closing boundary
                return None
            headers = self._headers()
            return Part(headers, self._body(headers.get("content-length", "")), arrived_at)
        except _EndOfStreamError:
            return None

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        size = 0
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
        early = self._buffer.find(b"\n" + self._boundary, 0, length)
        if early < 0:
            return self._take(length)
        # The next part began inside this one: it was cut off, or the length is wrong.
        self._lengths_hold = False
        body = self._take(early)
        if not body.rstrip(b"\r\n").endswith(_END_OF_JPEG):
            raise FrameError(f"a part says {length} bytes and ends after {len(body)}")
        return body

    def _body_to_boundary(self) -> bytes:
        start = 0
        while (at := self._buffer.find(self._boundary, start)) < 0:
            if self._buffer.endswith((_END_OF_JPEG, _END_OF_JPEG + b"\r\n")):
                return self._take(len(self._buffer))
            start = self._next_start(self._boundary, _MAX_PART_BYTES)
            self._more()
        return self._take(at)

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
        if len(self._buffer) > limit:
            self._buffer.clear()
            raise FrameError(f"no end of a part within {limit} bytes")
        return max(0, len(self._buffer) - len(mark) + 1)

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken

    def _more(self) -> None:
        received = self._receive()
        if not received:
            raise _EndOfStreamError
        self._buffer += received
