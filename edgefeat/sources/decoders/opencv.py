"""Video as OpenCV's own FFmpeg reads it: always there, and enough for sound streams.

It gives concealed frames as good ones, stretches a new size to the first one, and tells a codec
that it cannot decode by giving no frame. In a recording, frames of a new size are known and left
out; live video is decoded anew where its size changes (`opencv_live.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.sources.base import FrameError
from edgefeat.sources.decoders.base import OpenRequest
from edgefeat.sources.decoders.ffmpeg_capture import ffmpeg_capture
from edgefeat.sources.decoders.ffmpeg_options import ffmpeg_options
from edgefeat.sources.decoders.packet_sizes import PacketSizes

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw

__all__ = [
    "ADVICE",
    "OpenCvDecoder",
    "codec_of",
    "duration_of",
    "open_capture",
    "retrieved",
    "server_time",
]

ADVICE = "Or install PyAV, which decodes more: pip install 'edgefeat[av]'."
# Packets that the transport knows to be damaged are left out; OpenCV cannot count them.
_LIVE_OPTIONS = {"fflags": "discardcorrupt"}
_NO_TIME = -(2.0**62)  # FFmpeg's AV_NOPTS_VALUE is -2 to the 63rd


def open_capture(request: OpenRequest, *, packets: bool = False) -> cv2.VideoCapture:
    """Open a place.

    Args:
        request: What to open, and how.
        packets: Whether it gives packets as they are, and decodes none.

    Raises:
        CannotOpenError: It is no video that OpenCV reads; OpenCV never says why.
        SourceError: Others were being opened for too long.
    """
    limit_ms = max(1, round(request.timeout_s * 1000))
    settings = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: limit_ms,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: limit_ms,
        cv2.CAP_PROP_N_THREADS: 1 if request.live else 0,  # 0: as many as there are cores
    }
    options = {**(_LIVE_OPTIONS if request.live else {}), **request.options}
    with ffmpeg_options(options, name=request.name, timeout_s=request.timeout_s):
        capture = ffmpeg_capture(request.place, settings)
    if packets:
        capture.set(cv2.CAP_PROP_FORMAT, -1)  # as a setting it would hide how pictures are turned
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # it would turn packets too
    return capture


def codec_of(capture: cv2.VideoCapture) -> str:
    """Return the codec's four letters."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    letters = "".join(chr((code >> shift) & 0xFF) for shift in (0, 8, 16, 24))
    return letters.strip() if letters.isprintable() and letters.strip() else "unknown"


def duration_of(capture: cv2.VideoCapture) -> float | None:
    """Return how long a recording says it is, in seconds; None for live video."""
    count, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return count / fps if count >= 1 and fps > 0 else None


def server_time(pts: float, fps: float) -> float | None:
    """Return a frame's own time in seconds; None if it states none.

    Args:
        pts: OpenCV's CAP_PROP_PTS of the frame.
        fps: OpenCV's CAP_PROP_FPS; `pts` is counted in frames of this rate.
    """
    return pts / fps if fps > 0 and pts > _NO_TIME else None


def retrieved(capture: cv2.VideoCapture, name: str) -> Pixels:
    """Return the frame last grabbed: uint8 `(height, width, 3)`, BGR.

    Args:
        capture: Where it was grabbed.
        name: What the source is called, for messages.

    Raises:
        FrameError: It cannot be decoded.
    """
    done, image = capture.retrieve()
    if not done or image is None or image.dtype != np.uint8:
        raise FrameError("a frame cannot be decoded", where=name)
    return image.astype(np.uint8, copy=False)


class OpenCvDecoder:
    """Reads an open cv2.VideoCapture.

    Args:
        capture: An open one; released on `release`.
        name: What the source is called, for messages.
        sizes: The sizes of its frames; None if they are not known.
    """

    advice = ADVICE
    notice: str | None = None

    def __init__(
        self, capture: cv2.VideoCapture, name: str, sizes: PacketSizes | None = None
    ) -> None:
        self._capture, self._name, self._sizes = capture, name, sizes
        self._size_hw: SizeHw | None = None

    @property
    def codec(self) -> str:
        """The codec's four letters."""
        return codec_of(self._capture)

    @property
    def fps(self) -> float:
        """The frame rate that the container states."""
        return float(self._capture.get(cv2.CAP_PROP_FPS))

    @property
    def duration_s(self) -> float | None:
        """How long the recording says it is."""
        return duration_of(self._capture)

    @property
    def position_ms(self) -> float:
        """The stated time of the frame last grabbed; it starts anew with each connection."""
        return float(self._capture.get(cv2.CAP_PROP_POS_MSEC))

    @property
    def server_s(self) -> float | None:
        """The server's own time of that frame. MPEG-4 Part 2 states none."""
        return server_time(self._capture.get(cv2.CAP_PROP_PTS), self.fps)

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
        return retrieved(self._capture, self._name)

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
