"""What OpenCV captures: cameras on this device, video files, and RTSP and other network video.

Frame counts and positions that a container states are not believed: files end when no frame comes,
and a media time is given only where the stated position agrees with the stated frame rate.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SourceError
from edgefeat.sources.base import FrameError, Grab, Traits
from edgefeat.sources.redact import redact

__all__ = ["CameraRequest", "CameraSource", "NetworkVideoSource", "VideoFileSource"]

_PLAUSIBLE_FPS = (0.1, 1000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRequest:
    """What to ask of a camera; None leaves the driver's choice.

    Attributes:
        size_hw: Height and width in pixels.
        fps: Frames per second.
        pixel: Four-letter format, such as `MJPG` or `YUYV`.
    """

    size_hw: tuple[int, int] | None = None
    fps: float | None = None
    pixel: str | None = None

    def __post_init__(self) -> None:
        if self.pixel is not None and len(self.pixel) != 4:
            raise ValueError(f"pixel: expected four letters such as MJPG, got {self.pixel!r}")

    def settings(self) -> list[tuple[int, float]]:
        """Return OpenCV's properties in the order that works: format, size, rate.

        Drivers list sizes and rates per format: a size asked for first is cut down to what the
        present format offers.
        """
        wanted: list[tuple[int, float]] = []
        if self.pixel is not None:
            wanted.append((cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*self.pixel)))
        if self.size_hw is not None:
            wanted.append((cv2.CAP_PROP_FRAME_WIDTH, self.size_hw[1]))
            wanted.append((cv2.CAP_PROP_FRAME_HEIGHT, self.size_hw[0]))
        if self.fps is not None:
            wanted.append((cv2.CAP_PROP_FPS, self.fps))
        return wanted

    def difference(self, got: CameraRequest) -> str | None:
        """Say what a camera gave instead of what was asked; None where they agree."""
        parts: list[str] = []
        if self.pixel is not None and self.pixel != got.pixel:
            parts.append(f"format {self.pixel}, got {got.pixel or 'unknown'}")
        if self.size_hw is not None and self.size_hw != got.size_hw:
            parts.append(f"size {_size(self.size_hw)}, got {_size(got.size_hw)}")
        if self.fps is not None and abs(self.fps - (got.fps or 0)) > 0.5:
            parts.append(f"{self.fps:g} fps, got {got.fps or 0:g}")
        return "asked for " + "; ".join(parts) if parts else None


class CameraSource:
    """A camera of this device, by index or device path."""

    def __init__(self, device: int | str, request: CameraRequest | None = None) -> None:
        self.name = f"camera {device}" if isinstance(device, int) else device
        self.traits = Traits(live=True, reopens=True)
        self._device, self._request = device, request or CameraRequest()

    def open(self, *, timeout_s: float) -> _CaptureReader:
        """Open the device and ask for the format.

        Raises:
            SourceError: No such device, no right to use it, or another program has it.
        """
        node = Path(self._device if isinstance(self._device, str) else f"/dev/video{self._device}")
        if not node.exists():
            found = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "none"
            raise SourceError(f"{self.name}: no such device {node}. Cameras here: {found}.")
        if not os.access(node, os.R_OK | os.W_OK):
            raise SourceError(f"{self.name}: no right to use {node}. Join the group `video`.")
        # V4L2 waits ten seconds for a frame unless told otherwise, in whole seconds.
        os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(max(1, round(timeout_s)))
        capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise SourceError(f"{self.name}: cannot be opened. Close other programs that use it.")
        for setting, value in self._request.settings():
            capture.set(setting, value)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        notice = self._request.difference(_given(capture))
        return _CaptureReader(capture, self.name, live=True, notice=notice)


class VideoFileSource:
    """A video file: every frame that decodes, once, in order."""

    def __init__(self, path: str | Path) -> None:
        self.name = str(path)
        self.traits = Traits()

    def open(self, *, timeout_s: float) -> _CaptureReader:
        """Open the file.

        Raises:
            SourceError: There is no such file, or it is no video that FFmpeg reads.
        """
        path = Path(self.name)
        if not path.is_file():
            raise SourceError(f"{self.name}: no such file. Check the path.")
        if not os.access(path, os.R_OK):
            raise SourceError(f"{self.name}: no right to read it. Check its permissions.")
        capture = _open_ffmpeg(self.name, timeout_s)
        if not capture.isOpened():
            raise SourceError(
                f"{self.name}: not a video that can be decoded. Convert it, as with "
                "`ffmpeg -i FILE -c:v libx264 new.mp4`."
            )
        return _CaptureReader(capture, self.name, live=False)


class NetworkVideoSource:
    """RTSP, or any other URL that FFmpeg reads; RTSP goes over TCP, so no packet is lost."""

    def __init__(self, url: str) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        self._url = url

    def open(self, *, timeout_s: float) -> _CaptureReader:
        """Connect.

        Raises:
            SourceError: Nothing there, no answer in time, or a refusal.
        """
        started = time.monotonic()
        capture = _open_ffmpeg(self._url, timeout_s)
        if not capture.isOpened():
            late = time.monotonic() - started >= timeout_s
            why = f"no answer in {timeout_s:g} s" if late else "refused or not a video stream"
            raise SourceError(f"{self.name}: {why}. Check address, port, path, user and password.")
        return _CaptureReader(capture, self.name, live=True)

    def __repr__(self) -> str:
        return f"NetworkVideoSource({self.name!r})"


class _CaptureReader:
    """Reads a cv2.VideoCapture."""

    def __init__(
        self, capture: cv2.VideoCapture, name: str, *, live: bool, notice: str | None = None
    ) -> None:
        self._capture, self._name, self._live = capture, name, live
        self.notice = notice
        self._clock = None if live else MediaClock(capture.get(cv2.CAP_PROP_FPS))

    def grab(self) -> Grab | None:
        if not self._capture.grab():
            if self._live:
                raise SourceError(f"{self._name}: the stream broke off.")
            return None
        if self._clock is None:
            return Grab()
        return Grab(media_s=self._clock.tick(self._capture.get(cv2.CAP_PROP_POS_MSEC)))

    def retrieve(self) -> NDArray[np.uint8]:
        done, image = self._capture.retrieve()
        if not done or image is None or image.dtype != np.uint8:
            raise FrameError(f"{self._name}: a frame that cannot be decoded.")
        return image.astype(np.uint8, copy=False)

    def interrupt(self) -> None:
        pass  # OpenCV cannot be interrupted: the read ends within its timeout

    def close(self) -> None:
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


def _open_ffmpeg(url: str, timeout_s: float) -> cv2.VideoCapture:
    # FFmpeg writes to stderr by itself, URLs and all; what is wrong is said by us.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    limit_ms = max(1, round(timeout_s * 1000))
    limits: Sequence[int] = (
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        limit_ms,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        limit_ms,
    )
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    finally:
        cv2.utils.logging.setLogLevel(level)


def _given(capture: cv2.VideoCapture) -> CameraRequest:
    """Read back what a camera really does."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    letters = "".join(chr((code >> shift) & 0xFF) for shift in (0, 8, 16, 24))
    size = (
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
    )
    fps = capture.get(cv2.CAP_PROP_FPS)
    return CameraRequest(size_hw=size, fps=fps, pixel=letters if letters.isprintable() else None)


def _size(size_hw: tuple[int, int] | None) -> str:
    return "unknown" if size_hw is None else f"{size_hw[1]}x{size_hw[0]}"
