"""MJPEG over HTTP, read by ourselves: timeouts, cut frames and passwords stay under our control.

OpenCV's reader would decode every frame, also those that are dropped, fill cut ones with grey, and
print the URL. Here a frame stays JPEG bytes until it is used, and one that is not whole is refused.
"""

from __future__ import annotations

import contextlib
import socket
import time

from edgefeat.errors import ImageError, SourceError
from edgefeat.messages.redact import redact
from edgefeat.options.network import NetworkOptions
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers import read_header
from edgefeat.sources.base import FrameError, Grab, OpenReader, Traits, nothing_grabbed
from edgefeat.sources.http.ask import FOREIGN, Answer, ask
from edgefeat.sources.http.tls import Tls
from edgefeat.sources.multipart import Part, PartReader, boundary_of

__all__ = ["MjpegSource"]

_CHUNK = 1 << 16


class MjpegSource:
    """A camera that sends `multipart/x-mixed-replace` pictures; Basic and Digest log-in.

    Args:
        url: `http://` or `https://`, with `user:password@` where the camera asks for them.
        network: How far the camera is trusted; None: as the system's authorities say.
    """

    def __init__(self, url: str, network: NetworkOptions | None = None) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        self._url, self._tls = url, Tls(network or NetworkOptions())

    def open(self, *, timeout_s: float) -> _MjpegReader:
        """Connect and read the answer's header.

        Raises:
            SourceError: No connection, no answer in time, a refusal, or no MJPEG.
        """
        answer = ask(self._url, name=self.name, tls=self._tls, timeout_s=timeout_s)
        boundary = boundary_of(answer.response.getheader("Content-Type", ""))
        if boundary is None:
            answer.close()
            raise SourceError(
                "expected multipart/x-mixed-replace with a boundary, got "
                f"{answer.kind or 'no type'}",
                where=self.name,
                remedy="Give the URL of the camera's MJPEG stream.",
            )
        reader = _MjpegReader(answer, boundary, self.name, timeout_s)
        reader.notice = self._tls.notice(answer.url)
        return reader

    def __repr__(self) -> str:
        return f"MjpegSource({self.name!r})"


class _MjpegReader(OpenReader):
    """Reads the pictures of one answer."""

    def __init__(self, answer: Answer, boundary: bytes, name: str, timeout_s: float) -> None:
        self._answer, self._name, self._timeout_s = answer, name, timeout_s
        self._parts = PartReader(self._receive, boundary)
        self._jpeg: bytes | None = None

    def grab(self) -> Grab | None:
        try:
            part = self._parts.next_part()
        except FrameError as error:
            raise error.within(self._name) from None
        if part is None:
            raise SourceError("the camera closed the connection", where=self._name)
        self._jpeg = self._whole(part)
        # The stamp is of the first byte: how long a frame travels is part of its age.
        late_s = time.monotonic() - part.arrived_at
        return Grab(
            captured_at=part.arrived_at,
            wall_time=time.time() - late_s,
            media_s=_timestamp(part.headers.get("x-timestamp", "")),
        )

    def retrieve(self) -> bytes:
        if self._jpeg is None:
            raise nothing_grabbed(self._name)
        return self._jpeg

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):  # closed already: nothing waits on it
            self._answer.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._answer.close()

    def _receive(self) -> bytes:
        try:
            return self._answer.response.read1(_CHUNK)
        except TimeoutError:
            problem = f"no bytes for {self._timeout_s:g} s"
            raise SourceError(problem, where=self._name) from None
        except FOREIGN as error:  # ValueError: closed
            problem = f"the connection broke: {_reason(error)}"
            raise SourceError(problem, where=self._name) from None

    def _whole(self, part: Part) -> bytes:
        """Return a part's JPEG; a decoder would fill what is missing with made-up grey."""
        jpeg = part.body.rstrip(b"\r\n\0")
        try:
            header = read_header(jpeg)
        except ImageError as error:
            problem = f"a frame of {len(jpeg)} bytes: {error.problem}"
            raise FrameError(problem, where=self._name) from None
        if header.format is not ImageFormat.JPEG:
            raise FrameError(f"expected JPEG frames, got {header.format}", where=self._name)
        return jpeg


def _reason(error: Exception) -> str:
    """Say what went wrong without what may quote the URL."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _timestamp(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
