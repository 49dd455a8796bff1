"""What OpenCV's FFmpeg reads: video files, and RTSP and other network video.

Frame counts and positions that a container states are not believed: files end when no frame comes,
and a media time is given only where the stated position agrees with the stated frame rate.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SourceError
from edgefeat.redact import redact
from edgefeat.sources.base import FrameError, Grab, OpenReader, Traits

__all__ = ["CaptureReader", "MediaClock", "NetworkVideoSource", "VideoFileSource"]

_PLAUSIBLE_FPS = (0.1, 1000.0)


class VideoFileSource:
    """A video file: every frame that decodes, once, in order."""

    def __init__(self, path: str | Path) -> None:
        self.name = str(path)
        self.traits = Traits()

    def open(self, *, timeout_s: float) -> CaptureReader:
        """Open the file.

        Raises:
            SourceError: There is no such file, or it is no video that FFmpeg reads.
        """
        path = Path(self.name)
        if not path.is_file():
            raise SourceError("no such file", where=self.name, remedy="Check the path.")
        if not os.access(path, os.R_OK):
            raise SourceError(
                "no right to read the file", where=self.name, remedy="Check its permissions."
            )
        capture = _open_ffmpeg(self.name, timeout_s)
        if not capture.isOpened():
            raise SourceError(
                "not a video that can be decoded",
                where=self.name,
                remedy="Convert it, as with `ffmpeg -i FILE -c:v libx264 new.mp4`.",
            )
        return CaptureReader(capture, self.name)


class NetworkVideoSource:
    """RTSP, or any other URL that FFmpeg reads; RTSP goes over TCP, so no packet is lost."""

    def __init__(self, url: str) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        self._url = url

    def open(self, *, timeout_s: float) -> CaptureReader:
        """Connect.

        Raises:
            SourceError: Nothing there, no answer in time, or a refusal.
        """
        started = time.monotonic()
        # Each decoding thread more holds back a frame more.
        capture = _open_ffmpeg(self._url, timeout_s, threads=1)
        if not capture.isOpened():
            late = time.monotonic() - started >= timeout_s
            why = f"no answer in {timeout_s:g} s" if late else "refused or not a video stream"
            raise SourceError(
                why, where=self.name, remedy="Check address, port, path, user and password."
            )
        return CaptureReader(capture, self.name, live_timeout_s=timeout_s)

    def __repr__(self) -> str:
        return f"NetworkVideoSource({self.name!r})"


class CaptureReader(OpenReader):
    """Reads a cv2.VideoCapture. A read cannot be interrupted; it ends within its time limit.

    Args:
        capture: An open one; released on `close`.
        name: What the source is called, for messages.
        live_timeout_s: The time limit of a camera's reads; None for a file.
        notice: What the camera does differently from what was asked.
    """

    def __init__(
        self,
        capture: cv2.VideoCapture,
        name: str,
        *,
        live_timeout_s: float | None = None,
        notice: str | None = None,
    ) -> None:
        self._capture, self._name, self._live_timeout_s = capture, name, live_timeout_s
        self.notice = notice
        live = live_timeout_s is not None
        self._clock = None if live else MediaClock(capture.get(cv2.CAP_PROP_FPS))

    def grab(self) -> Grab | None:
        """Wait for the next frame; None at the end of a file."""
        started = time.monotonic()
        grabbed = self._capture.grab()
        if self._live_timeout_s is not None:
            # After a timeout OpenCV gives what its decoder still held, as if it were new.
            if time.monotonic() - started >= self._live_timeout_s:
                raise SourceError(f"no frame for {self._live_timeout_s:g} s", where=self._name)
            if not grabbed:
                raise SourceError("the stream broke off", where=self._name)
            return Grab()
        if not grabbed or self._clock is None:
            return None
        return Grab(media_s=self._clock.tick(self._capture.get(cv2.CAP_PROP_POS_MSEC)))

    def retrieve(self) -> NDArray[np.uint8]:
        """Decode the frame: uint8 `(height, width, 3)`, BGR."""
        done, image = self._capture.retrieve()
        if not done or image is None or image.dtype != np.uint8:
            raise FrameError("a frame cannot be decoded", where=self._name)
        return image.astype(np.uint8, copy=False)

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


class MediaClock:
    """The media time of a file's frames, for as long as two statements of the file agree.

    Containers lie about positions and rates, but rarely both in the same way: the time of frame n
    is n / fps where the stated position is within half a frame of it, and is unknown from the
    first frame where it is not.
    """

    def __init__(self, fps: float) -> None:
        low, high = _PLAUSIBLE_FPS
        self._fps: float | None = fps if low <= fps <= high else None
        self._count = 0

    def tick(self, position_ms: float) -> float | None:
        """Return the time in seconds of the frame just grabbed."""
        if self._fps is None:
            return None
        expected_s = self._count / self._fps
        self._count += 1
        if abs(position_ms / 1000 - expected_s) > 0.5 / self._fps:
            self._fps = None
            return None
        return expected_s


def _open_ffmpeg(url: str, timeout_s: float, *, threads: int = 0) -> cv2.VideoCapture:
    """Open with time limits; 0 threads leaves their number to OpenCV."""
    # FFmpeg writes to stderr by itself, URLs and all; what is wrong is said by us.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    limit_ms = max(1, round(timeout_s * 1000))
    settings = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: limit_ms,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: limit_ms,
        cv2.CAP_PROP_N_THREADS: threads,
    }
    flat = [number for setting in settings.items() for number in setting]
    return cv2.VideoCapture(url, cv2.CAP_FFMPEG, flat)
