"""Raw frames on a pipe, as `ffmpeg -f rawvideo -` or `rpicam-vid --codec yuv420` write them."""

from __future__ import annotations

import os
import select
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import OptionError, SourceError
from edgefeat.sources.base import Grab, OpenReader, Traits, nothing_grabbed

__all__ = ["PixelFormat", "RawFormat", "RawSource"]

_CHUNK = 1 << 20


class PixelFormat(StrEnum):
    """Layouts of raw frames, by ffmpeg's names."""

    BGR24 = "bgr24"
    RGB24 = "rgb24"
    GRAY8 = "gray8"
    YUYV422 = "yuyv422"
    NV12 = "nv12"


# How many bytes each pixel takes, times two; and what cv2 calls the way to BGR.
_HALF_BYTES = {
    PixelFormat.BGR24: 6,
    PixelFormat.RGB24: 6,
    PixelFormat.GRAY8: 2,
    PixelFormat.YUYV422: 4,
    PixelFormat.NV12: 3,
}
_TO_BGR = {
    PixelFormat.RGB24: cv2.COLOR_RGB2BGR,
    PixelFormat.GRAY8: cv2.COLOR_GRAY2BGR,
    PixelFormat.YUYV422: cv2.COLOR_YUV2BGR_YUYV,
    PixelFormat.NV12: cv2.COLOR_YUV2BGR_NV12,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFormat:
    """What raw bytes mean.

    Attributes:
        size_hw: Height and width of a frame in pixels.
        pixel: Layout of a frame.
    """

    size_hw: tuple[int, int]
    pixel: PixelFormat = PixelFormat.BGR24

    def __post_init__(self) -> None:
        height, width = self.size_hw
        if height < 1 or width < 1:
            raise OptionError(f"expected 1 pixel or more, got {width}x{height}", option="size_hw")
        even_height = self.pixel is PixelFormat.NV12
        even_width = self.pixel in (PixelFormat.NV12, PixelFormat.YUYV422)
        if (even_width and width % 2) or (even_height and height % 2):
            raise OptionError(
                f"expected even sides for {self.pixel.value}, got {width}x{height}",
                option="size_hw",
            )

    @property
    def frame_bytes(self) -> int:
        """How many bytes one frame takes."""
        return self.size_hw[0] * self.size_hw[1] * _HALF_BYTES[self.pixel] // 2


class RawSource:
    """Frames of one fixed size and layout.

    Args:
        raw: Size and layout of the frames.
        stream: The pipe or file to read, which stays the caller's; None reads stdin.
    """

    def __init__(self, raw: RawFormat, *, stream: BinaryIO | None = None) -> None:
        self.name = "stdin" if stream is None else "raw frames"
        self.traits = Traits(timed=False)
        self._raw, self._stream = raw, stream

    def open(self, *, timeout_s: float) -> _RawReader:
        """Start reading."""
        stream = sys.stdin.buffer if self._stream is None else self._stream
        return _RawReader(stream.fileno(), self._raw, self.name, timeout_s)


class _RawReader(OpenReader):
    def __init__(self, descriptor: int, raw: RawFormat, name: str, timeout_s: float) -> None:
        self._descriptor, self._raw = descriptor, raw
        self._name, self._timeout_s = name, timeout_s
        self._frame: bytearray | None = None

    def grab(self) -> Grab | None:
        buffer = bytearray(self._raw.frame_bytes)  # its own: the consumer may still use the last
        view = memoryview(buffer)
        filled = 0
        while filled < len(buffer):
            got = self._read(view[filled : filled + _CHUNK])
            if got == 0:
                self._check_end(filled)
                return None
            filled += got
        self._frame = buffer
        return Grab()

    def retrieve(self) -> NDArray[np.uint8]:
        if self._frame is None:
            raise nothing_grabbed(self._name)
        flat = np.frombuffer(self._frame, np.uint8)
        height, width = self._raw.size_hw
        pixel = self._raw.pixel
        if pixel is PixelFormat.NV12:
            height = height * 3 // 2
        planar = pixel in (PixelFormat.NV12, PixelFormat.GRAY8)
        shaped = flat.reshape((height, width) if planar else (height, width, -1))
        if pixel not in _TO_BGR:
            return shaped
        return cv2.cvtColor(shaped, _TO_BGR[pixel]).astype(np.uint8, copy=False)

    def close(self) -> None:
        self._frame = None

    def _read(self, into: memoryview) -> int:
        ready, _, _ = select.select([self._descriptor], [], [], self._timeout_s)
        if not ready:
            raise SourceError(
                f"no bytes for {self._timeout_s:g} s",
                where=self._name,
                remedy="Check the program that writes them, or raise {option}.",
                option="timeout_s",
            )
        return os.readv(self._descriptor, [into])

    def _check_end(self, filled: int) -> None:
        if filled:
            height, width = self._raw.size_hw
            raise SourceError(
                f"ended inside a frame: got {filled} of {self._raw.frame_bytes} bytes",
                where=self._name,
                remedy=f"Check that the writer sends {width}x{height} {self._raw.pixel.value}.",
            )
