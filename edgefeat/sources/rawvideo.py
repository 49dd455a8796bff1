"""Layouts of raw frames, as `ffmpeg -f rawvideo -` or `rpicam-vid --codec yuv420` write them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import OptionError
from edgefeat.options.checks import number

__all__ = ["PixelFormat", "RawFormat"]


class PixelFormat(StrEnum):
    """Layouts of raw frames, by ffmpeg's names."""

    BGR24 = "bgr24"
    RGB24 = "rgb24"
    GRAY8 = "gray8"
    YUYV422 = "yuyv422"
    NV12 = "nv12"
    YUV420P = "yuv420p"


# How many bytes a pixel takes in a row of the first plane, and what cv2 calls the way to BGR.
_ROW_BYTES = {
    PixelFormat.BGR24: 3,
    PixelFormat.RGB24: 3,
    PixelFormat.GRAY8: 1,
    PixelFormat.YUYV422: 2,
    PixelFormat.NV12: 1,
    PixelFormat.YUV420P: 1,
}
_TO_BGR = {
    PixelFormat.RGB24: cv2.COLOR_RGB2BGR,
    PixelFormat.GRAY8: cv2.COLOR_GRAY2BGR,
    PixelFormat.YUYV422: cv2.COLOR_YUV2BGR_YUYV,
    PixelFormat.NV12: cv2.COLOR_YUV2BGR_NV12,
    PixelFormat.YUV420P: cv2.COLOR_YUV2BGR_I420,
}
_WITH_COLOUR_PLANES = (PixelFormat.NV12, PixelFormat.YUV420P)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFormat:
    """What raw bytes mean.

    Attributes:
        size_hw: Height and width of a frame in pixels.
        pixel: Layout of a frame.
        stride: Bytes from one row to the next, where rows are padded, as a Raspberry Pi's are to
            64; of yuv420p in the first plane, and half of it in the others. None: no padding.
        fps: Frames a second, which give the frames their times; None: they have none.
    """

    size_hw: tuple[int, int]
    pixel: PixelFormat = PixelFormat.BGR24
    stride: int | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        height, width = self.size_hw
        if height < 1 or width < 1:
            raise OptionError(f"expected 1 pixel or more, got {width}x{height}", option="size_hw")
        even_height = self.pixel in _WITH_COLOUR_PLANES
        even_width = even_height or self.pixel is PixelFormat.YUYV422
        # An odd side of yuv420p has a colour sample of its own; cv2 has no way to read it.
        if (even_width and width % 2) or (even_height and height % 2):
            raise OptionError(
                f"expected even sides for {self.pixel.value}, got {width}x{height}",
                option="size_hw",
            )
        if self.fps is not None:
            number("fps", self.fps)
        if self.stride is not None and (
            self.stride < self._row_bytes or (self.pixel is PixelFormat.YUV420P and self.stride % 2)
        ):
            raise OptionError(
                f"expected at least {self._row_bytes} bytes a row, even for yuv420p, "
                f"got {self.stride}",
                option="stride",
            )

    @property
    def frame_bytes(self) -> int:
        """How many bytes one frame takes."""
        return self._rows * (self.stride or self._row_bytes)

    def pixels(self, frame: bytearray | NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a frame's bytes as a picture: uint8 `(height, width, 3)`, BGR."""
        height, width = self.size_hw
        flat: NDArray[np.uint8] = np.frombuffer(frame, np.uint8)
        if self.stride not in (None, self._row_bytes):
            flat = self._without_padding(flat)
        flat_planes = self.pixel in _WITH_COLOUR_PLANES or self.pixel is PixelFormat.GRAY8
        shaped = flat.reshape((self._rows, width) if flat_planes else (height, width, -1))
        if self.pixel not in _TO_BGR:
            return shaped
        return cv2.cvtColor(shaped, _TO_BGR[self.pixel]).astype(np.uint8, copy=False)

    @property
    def _row_bytes(self) -> int:
        return self.size_hw[1] * _ROW_BYTES[self.pixel]

    @property
    def _rows(self) -> int:
        """How many rows of the first plane's length a frame takes."""
        height = self.size_hw[0]
        return height * 3 // 2 if self.pixel in _WITH_COLOUR_PLANES else height

    def _without_padding(self, flat: NDArray[np.uint8]) -> NDArray[np.uint8]:
        rows = flat.reshape(self._rows, -1)
        if self.pixel is not PixelFormat.YUV420P:
            return rows[:, : self._row_bytes].ravel()
        height, half = self.size_hw[0], self._row_bytes // 2
        luma = rows[:height, : self._row_bytes].ravel()
        colours = rows[height:].reshape(height, -1)[:, :half].ravel()
        return np.concatenate([luma, colours])
