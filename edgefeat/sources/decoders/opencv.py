"""Video as OpenCV's own FFmpeg reads it: always there, and enough for sound streams.

It gives concealed frames as good ones, stretches a new size to the first one, and tells a codec
that it cannot decode by giving no frame. In a file, frames of a new size are known and left out.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.sources.base import FrameError
from edgefeat.sources.decoders.base import CannotOpenError, OpenRequest
from edgefeat.sources.decoders.ffmpeg_options import ffmpeg_options
from edgefeat.sources.decoders.packet_sizes import PacketSizes

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw

__all__ = ["OpenCvDecoder"]

# Packets that the transport knows to be damaged are left out; OpenCV cannot count them.
_LIVE_OPTIONS = {"fflags": "discardcorrupt"}
_NO_TIME = -(2.0**62)  # FFmpeg's AV_NOPTS_VALUE is -2 to the 63rd


class OpenCvDecoder:
    """Reads an open cv2.VideoCapture.

    Args:
        capture: An open one; released on `release`.
        name: What the source is called, for messages.
        sizes: The sizes of its frames; None if they are not known.
    """

    advice = "Or install PyAV, which decodes more: pip install 'edgefeat[av]'."
    notice: str | None = None

    def __init__(
        self, capture: cv2.VideoCapture, name: str, sizes: PacketSizes | None = None
    ) -> None:
        self._capture, self._name, self._sizes = capture, name, sizes
        self._size_hw: SizeHw | None = None

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
        decoder = cls(capture, request.name)
        if isinstance(request.place, str) and not request.live:
            decoder._sizes = PacketSizes.open(request.place, decoder.codec)
        return decoder

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
        """Go to the next frame.

        Raises:
            FrameError: It has another size than the first one, to which OpenCV would stretch it.
        """
        if not self._capture.grab():
            return False
        if self._sizes is not None:
            self._check_size(self._sizes)
        return True

    def retrieve(self) -> Pixels:
        """Return the frame last grabbed: uint8 `(height, width, 3)`, BGR.

        Raises:
            FrameError: It cannot be decoded.
        """
        done, image = self._capture.retrieve()
        if not done or image is None or image.dtype != np.uint8:
            raise FrameError("a frame cannot be decoded", where=self._name)
        return image.astype(np.uint8, copy=False)

    def retrieve_later(self) -> Pixels:
        """Return the frame last grabbed (uint8, BGR): OpenCV keeps none for later."""
        return self.retrieve()

    def release(self) -> None:
        """Let it go."""
        self._capture.release()
        if self._sizes is not None:
            self._sizes.release()

    def _check_size(self, sizes: PacketSizes) -> None:
        size_hw = sizes.of(self._capture.get(cv2.CAP_PROP_PTS))
        self._size_hw = self._size_hw or size_hw
        if size_hw is not None and size_hw != self._size_hw and self._size_hw is not None:
            (height, width), (first_height, first_width) = size_hw, self._size_hw
            raise FrameError(
                f"a frame of {width}x{height} in a video that began with "
                f"{first_width}x{first_height}: OpenCV would stretch it",
                where=self._name,
                remedy="Install PyAV, which keeps its shape: pip install 'edgefeat[av]'.",
            )
