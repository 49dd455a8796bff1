"""Video as OpenCV's own FFmpeg reads it: always there, and enough for sound streams.

It gives concealed frames as good ones, stretches a new size to the first one, and tells a codec
that it cannot decode by giving no frame.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.sources.base import FrameError
from edgefeat.sources.decoders.base import CannotOpenError, OpenRequest
from edgefeat.sources.decoders.ffmpeg_options import ffmpeg_options

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["OpenCvDecoder"]

# Packets that the transport knows to be damaged are left out; OpenCV cannot count them.
_LIVE_OPTIONS = {"fflags": "discardcorrupt"}
_NO_TIME = -(2.0**62)  # FFmpeg's AV_NOPTS_VALUE is -2 to the 63rd


class OpenCvDecoder:
    """Reads an open cv2.VideoCapture.

    Args:
        capture: An open one; released on `release`.
        name: What the source is called, for messages.
    """

    advice = "Or install PyAV, which decodes more: pip install 'edgefeat[av]'."
    notice: str | None = None

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture, self._name = capture, name

    @classmethod
    def open(cls, request: OpenRequest) -> OpenCvDecoder:
        """Open a place.

        Raises:
            CannotOpenError: It is no video that OpenCV reads; OpenCV never says why.
        """
        # FFmpeg writes to stderr by itself, URLs and all; what is wrong is said by us.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        limit_ms = max(1, round(request.timeout_s * 1000))
        settings = {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: limit_ms,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: limit_ms,
            cv2.CAP_PROP_N_THREADS: 1 if request.live else 0,  # 0: as many as there are cores
        }
        flat = [number for setting in settings.items() for number in setting]
        options = {**(_LIVE_OPTIONS if request.live else {}), **request.options}
        with ffmpeg_options(options, name=request.name, timeout_s=request.timeout_s):
            capture = cv2.VideoCapture(request.place, cv2.CAP_FFMPEG, flat)  # type: ignore[arg-type]
        if not capture.isOpened():
            capture.release()
            raise CannotOpenError
        return cls(capture, request.name)

    @property
    def codec(self) -> str:
        """The codec's four letters."""
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC))
        letters = "".join(chr((code >> shift) & 0xFF) for shift in (0, 8, 16, 24))
        return letters.strip() if letters.isprintable() and letters.strip() else "unknown"

    @property
    def fps(self) -> float:
        """The frame rate that the container states."""
        return float(self._capture.get(cv2.CAP_PROP_FPS))

    @property
    def duration_s(self) -> float | None:
        """How long the recording says it is."""
        count, fps = self._capture.get(cv2.CAP_PROP_FRAME_COUNT), self.fps
        return count / fps if count >= 1 and fps > 0 else None

    @property
    def position_ms(self) -> float:
        """The stated time of the frame last grabbed; it starts anew with each connection."""
        return float(self._capture.get(cv2.CAP_PROP_POS_MSEC))

    @property
    def server_s(self) -> float | None:
        """The server's own time of that frame. MPEG-4 Part 2 states none."""
        frames, fps = self._capture.get(cv2.CAP_PROP_PTS), self.fps
        return frames / fps if fps > 0 and frames > _NO_TIME else None

    def grab(self) -> bool:
        """Go to the next frame."""
        return self._capture.grab()

    def retrieve(self) -> Pixels:
        """Return the frame last grabbed: uint8 `(height, width, 3)`, BGR.

        Raises:
            FrameError: It cannot be decoded.
        """
        done, image = self._capture.retrieve()
        if not done or image is None or image.dtype != np.uint8:
            raise FrameError("a frame cannot be decoded", where=self._name)
        return image.astype(np.uint8, copy=False)

    def release(self) -> None:
        """Let it go."""
        self._capture.release()
