"""Frames on a pipe: raw ones of a layout that the user names, or a stream that explains itself.

YUV4MPEG2 states size, layout and rate; MJPEG is pictures one after the other, as
`rpicam-vid --codec mjpeg -o -` writes it. Which of them comes is seen in the first bytes.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SourceError
from edgefeat.sources.base import (
    FrameError,
    Grab,
    OpenReader,
    Traits,
    Unconverted,
    nothing_grabbed,
)
from edgefeat.sources.jpeg_end import START_OF_JPEG, JpegCutter
from edgefeat.sources.mjpeg import whole_picture
from edgefeat.sources.pipe import Pipe
from edgefeat.sources.rawvideo import RawFormat
from edgefeat.sources.y4m import START_OF_Y4M, read_y4m_header

__all__ = ["PipeSource"]

_START_OF_Y4M_FRAME = b"FRAME"
_SAMPLE_STEP = 251  # bytes; a prime, so that it walks over the columns


class PipeSource:
    """Frames of a pipe.

    Args:
        raw: Size and layout of raw frames; None for MJPEG or YUV4MPEG2.
        stream: The pipe or file to read, which stays the caller's; None reads stdin.
    """

    def __init__(self, raw: RawFormat | None = None, *, stream: BinaryIO | None = None) -> None:
        self.name = "stdin" if stream is None else "raw frames"
        # YUV4MPEG2 may state a rate: that is seen only once the pipe is open.
        self.traits = Traits(timed=raw is None or raw.fps is not None)
        self._raw, self._stream = raw, stream

    def open(self, *, timeout_s: float) -> _AnyReader:
        """Start reading.

        Raises:
            SourceError: The bytes do not explain themselves.
        """
        stream = sys.stdin.buffer if self._stream is None else self._stream
        pipe = Pipe(stream.fileno(), self.name, timeout_s)
        if self._raw is not None:
            return _RawReader(pipe, self._raw, self.name)
        start = pipe.peek(len(START_OF_Y4M))
        if start.startswith(START_OF_Y4M):
            return _RawReader(pipe, read_y4m_header(pipe.read, self.name), self.name, y4m=True)
        if start.startswith(START_OF_JPEG[:2]):
            return _JpegReader(pipe, self.name)
        raise SourceError(
            "expected YUV4MPEG2, or JPEGs one after the other, "
            + (f"got bytes that begin with {start[:4]!r}" if start else "got no bytes"),
            where=self.name,
            option="size_hw",
            remedy="For raw frames give {option}.",
        )


class _RawReader(OpenReader):
    """Reads frames of one layout.

    Args:
        pipe: Where they come from.
        raw: The layout.
        name: What the source is called, for messages.
        y4m: Whether each frame has a line of its own before it.
    """

    def __init__(self, pipe: Pipe, raw: RawFormat, name: str, *, y4m: bool = False) -> None:
        self._pipe, self._raw, self._name, self._y4m = pipe, raw, name, y4m
        self.traits = Traits(timed=raw.fps is not None)
        self._frame: bytearray | None = None
        self._count = 0

    def states_times(self) -> bool:
        """Return whether a rate is known."""
        return self._raw.fps is not None

    def grab(self) -> Grab | None:
        """Wait for the next whole frame; None at the end."""
        if self._y4m and not self._take_frame_line():
            return None
        buffer = bytearray(self._raw.frame_bytes)  # its own: the consumer may still use the last
        filled = self._pipe.fill(buffer)
        if filled < len(buffer):
            self._check_end(filled)
            return None
        self._frame = buffer
        number, self._count = self._count, self._count + 1
        return Grab(media_s=None if self._raw.fps is None else number / self._raw.fps)

    def retrieve(self) -> NDArray[np.uint8]:
        """Return the frame last grabbed."""
        if self._frame is None:
            raise nothing_grabbed(self._name)
        return self._raw.pixels(self._frame)

    def retrieve_later(self) -> Unconverted:
        """Return the frame last grabbed as it came."""
        if self._frame is None:
            raise nothing_grabbed(self._name)
        frame = self._frame
        return Unconverted(
            size_hw=self._raw.size_hw,
            sample=bytes(memoryview(frame)[::_SAMPLE_STEP]),
            convert=partial(self._raw.pixels, frame),
        )

    def close(self) -> None:
        """Let the last frame go."""
        self._frame = None

    def _take_frame_line(self) -> bool:
        start = self._pipe.read(len(_START_OF_Y4M_FRAME))
        if not start:
            return False
        if start != _START_OF_Y4M_FRAME:
            raise SourceError(f"frame {self._count} does not begin with FRAME", where=self._name)
        while (byte := self._pipe.read(1)) != b"\n":
            if not byte:
                self._check_end(1)
        return True

    def _check_end(self, filled: int) -> None:
        if filled or self._y4m:
            height, width = self._raw.size_hw
            raise SourceError(
                f"ended inside a frame: got {filled} of {self._raw.frame_bytes} bytes",
                where=self._name,
                remedy=f"Check that the writer sends {width}x{height} {self._raw.pixel.value}.",
            )


class _JpegReader(OpenReader):
    """Reads JPEGs that follow each other."""

    traits = Traits(timed=False)

    def __init__(self, pipe: Pipe, name: str) -> None:
        self._cutter, self._name = JpegCutter(pipe.receive), name
        self._picture: bytes | None = None

    def states_times(self) -> bool:
        """Return that pictures alone have no times."""
        return False

    def grab(self) -> Grab | None:
        """Wait for the next whole picture; None at the end."""
        self._picture = None
        try:
            found = self._cutter.next_picture()
        except FrameError as error:
            raise error.within(self._name) from None
        if found is None:
            return None
        picture, arrived_at = found
        self._picture = whole_picture(picture, self._name)
        late_s = time.monotonic() - arrived_at
        return Grab(captured_at=arrived_at, wall_time=time.time() - late_s)

    def retrieve(self) -> bytes:
        """Return the picture last grabbed, encoded."""
        if self._picture is None:
            raise nothing_grabbed(self._name)
        return self._picture


_AnyReader: TypeAlias = _RawReader | _JpegReader
