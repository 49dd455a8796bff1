"""A camera's frames as it sends them: JPEGs stay encoded, YUV stays as it is until it is wanted.

OpenCV would decode every JPEG whole, in the thread that captures, and fill what is missing in a
damaged one with made-up grey. UVC cameras often begin with such frames.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import FrameError, Grab, Unconverted, nothing_grabbed
from edgefeat.sources.capture import LiveReader
from edgefeat.sources.decoders.opencv import OpenCvDecoder
from edgefeat.sources.mjpeg import whole_picture
from edgefeat.sources.rawvideo import PixelFormat, RawFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgefeat.arrays import SizeHw

__all__ = ["CameraReader", "as_sent"]

_ENCODED = ("MJPG", "JPEG")
# Video4Linux's names of what we convert with the same functions as OpenCV does.
_RAW = {
    "YUYV": PixelFormat.YUYV422,
    "NV12": PixelFormat.NV12,
    "YU12": PixelFormat.YUV420P,
    "GREY": PixelFormat.GRAY8,
}
_SAMPLE_STEP = 251  # bytes; a prime, so that it walks over the columns


class CameraReader(LiveReader):
    """Reads a camera of this device.

    Args:
        capture: An open one; released on `close`.
        name: What the source is called, for messages.
        pixel: Four-letter format of its frames; None if it is not known.
        size_hw: Height and width of its frames in pixels; None if they are not known.
        timeout_s: The time limit of a read.
        notice: What the camera does differently from what was asked.
    """

    def __init__(
        self,
        capture: cv2.VideoCapture,
        name: str,
        *,
        pixel: str | None,
        size_hw: SizeHw | None,
        timeout_s: float,
        notice: str | None,
    ) -> None:
        decoder = OpenCvDecoder(capture, name)
        super().__init__(decoder, name, timeout_s=timeout_s, notice=notice)
        self._capture, self._encoded = capture, pixel in _ENCODED
        self._raw = _raw_format(pixel, size_hw)
        self._frame: ImageInput | Unconverted | None = None
        if self._encoded or self._raw is not None:
            # Drivers and backends may ignore it: what came is seen from each frame.
            capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)

    def grab(self) -> Grab:
        """Wait for the next frame.

        Raises:
            FrameError: It is a damaged JPEG.
            SourceError: The camera is lost.
        """
        self._frame = None
        grab = super().grab()
        if self._encoded:  # looked at here, so that another one is taken in a damaged one's place
            self._frame = self._received()
            self._encoded = isinstance(self._frame, bytes)
        return grab

    def retrieve(self) -> ImageInput:
        """Return the frame last grabbed: a JPEG's bytes, or uint8 `(height, width, 3)`, BGR."""
        frame = self.retrieve_later()
        return frame.convert() if isinstance(frame, Unconverted) else frame

    def retrieve_later(self) -> ImageInput | Unconverted:
        """Return the same, or what becomes that when it is wanted."""
        return self._received() if self._frame is None else self._frame

    def _received(self) -> ImageInput | Unconverted:
        done, frame = self._capture.retrieve()
        if not done or frame is None:
            raise nothing_grabbed(self._name)
        return as_sent(frame, self._raw, self._name)


def as_sent(
    frame: NDArray[np.generic], raw: RawFormat | None, name: str
) -> ImageInput | Unconverted:
    """Return what OpenCV gives of a camera whose frames it was told not to convert.

    Args:
        frame: One row or column of bytes for a JPEG; the bytes of a raw frame, uint8 in any shape;
            or uint8 `(height, width, 3)`, BGR, where it converts all the same.
        raw: The layout of raw frames; None if the camera sends none.
        name: What the source is called, for messages.

    Raises:
        FrameError: It is a damaged JPEG, or nothing of these.
    """
    if frame.dtype == np.uint8:
        pixels = frame.astype(np.uint8, copy=False)
        if frame.ndim == 3 and frame.shape[2] == 3:
            return pixels
        if frame.size == max(frame.shape):
            return whole_picture(frame.tobytes(), name)
        if raw is not None and frame.size == raw.frame_bytes:
            flat = pixels.reshape(-1)
            return Unconverted(
                size_hw=raw.size_hw,
                sample=flat[::_SAMPLE_STEP].tobytes(),
                convert=partial(raw.pixels, flat),
            )
    raise FrameError(
        f"expected a JPEG or a frame of the camera's format, got {frame.dtype} of "
        f"{' x '.join(map(str, frame.shape))}",
        where=name,
    )


def _raw_format(pixel: str | None, size_hw: SizeHw | None) -> RawFormat | None:
    """Return the layout that is converted here; None leaves it to OpenCV."""
    if pixel not in _RAW or size_hw is None or any(side < 2 or side % 2 for side in size_hw):
        return None
    return RawFormat(size_hw=size_hw, pixel=_RAW[pixel])
