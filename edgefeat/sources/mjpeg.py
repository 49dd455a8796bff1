"""MJPEG over HTTP, read by ourselves: timeouts, cut frames and passwords stay under our control.

OpenCV's reader would decode every frame, also those that are dropped, fill cut ones with grey, and
print the URL. Here a frame stays as it came until it is used, and one that is not whole is refused.
"""

from __future__ import annotations

import time
from math import isfinite

from edgefeat.errors import ImageError, SourceError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers import read_header
from edgefeat.sources.base import FrameError, Grab, OpenReader, nothing_grabbed
from edgefeat.sources.http.body import Body
from edgefeat.sources.jpeg_end import JpegCutter
from edgefeat.sources.multipart import PartReader

__all__ = ["JpegStreamReader", "PartsReader", "whole_picture"]

_FORMATS = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP)
_MAYBE_PICTURES = ("", "application/octet-stream")


class _BodyReader(OpenReader):
    """What readers of an answer's body share.

    Args:
        body: The body; closed on `close`.
        name: What the source is called, for messages.
    """

    def __init__(self, body: Body, name: str) -> None:
        self._body, self._name = body, name
        self._picture: bytes | None = None

    def retrieve(self) -> bytes:
        """Return the picture last grabbed, encoded."""
        if self._picture is None:
            raise nothing_grabbed(self._name)
        return self._picture

    def interrupt(self) -> None:
        """Make a waiting `grab` return."""
        self._body.interrupt()

    def close(self) -> None:
        """Let the connection go."""
        self._body.close()

    def _closed(self) -> SourceError:
        return SourceError("the camera closed the connection", where=self._name)


class PartsReader(_BodyReader):
    """Reads the pictures of a multipart answer; parts of other kinds are left out, and told once.

    Args:
        body: The body; closed on `close`.
        stated: The boundary that the answer's header states.
        name: What the source is called, for messages.
    """

    def __init__(self, body: Body, stated: bytes | None, name: str) -> None:
        super().__init__(body, name)
        self._parts = PartReader(body.receive, stated)

    def grab(self) -> Grab:
        """Wait for the next picture."""
        self._picture = None
        try:
            part = self._parts.next_part()
            while part is not None and (kind := _other_kind(part.headers)):
                self.notice = f"parts of type {kind} are left out: only pictures are read"
                part = self._parts.next_part()
        except FrameError as error:
            raise error.within(self._name) from None
        self.notice = self.notice or self._parts.notice
        if part is None:
            raise self._closed()
        self._picture = whole_picture(part.body, self._name)
        # The stamp is of the first byte: how long a frame travels is part of its age.
        late_s = time.monotonic() - part.arrived_at
        return Grab(
            captured_at=part.arrived_at,
            wall_time=time.time() - late_s,
            media_s=_timestamp(part.headers.get("x-timestamp", "")),
        )


class JpegStreamReader(_BodyReader):
    """Reads JPEGs that follow each other with nothing between them.

    Args:
        body: The body; closed on `close`.
        name: What the source is called, for messages.
        start: What was read of the body already.
    """

    def __init__(self, body: Body, name: str, start: bytes = b"") -> None:
        super().__init__(body, name)
        self._cutter = JpegCutter(body.receive, start)

    def grab(self) -> Grab:
        """Wait for the next picture."""
        self._picture = None
        try:
            found = self._cutter.next_picture()
        except FrameError as error:
            raise error.within(self._name) from None
        if found is None:
            raise self._closed()
        picture, arrived_at = found
        self._picture = whole_picture(picture, self._name)
        late_s = time.monotonic() - arrived_at
        return Grab(captured_at=arrived_at, wall_time=time.time() - late_s)


def whole_picture(body: bytes, name: str) -> bytes:
    """Return a picture that is whole; a decoder would fill what is missing with made-up grey.

    Raises:
        FrameError: It is cut off, or no picture that cameras send.
    """
    picture = body.rstrip(b"\r\n\0") if body.startswith(b"\xff\xd8") else body
    try:
        header = read_header(picture)
    except ImageError as error:
        problem = f"a frame of {len(picture)} bytes: {error.problem}"
        raise FrameError(problem, where=name) from None
    if header.format not in _FORMATS:
        expected = ", ".join(one.upper() for one in _FORMATS)
        raise FrameError(f"expected frames of {expected}, got {header.format}", where=name)
    return picture


def _other_kind(headers: dict[str, str]) -> str:
    """Return the type of a part that is no picture, such as audio; empty for pictures."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return "" if kind in _MAYBE_PICTURES or kind.startswith("image/") else kind


def _timestamp(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if isfinite(seconds) else None
