"""Readers of what OpenCV's FFmpeg opens: cameras that send for ever, and recordings that end.

Frame counts and positions that a container states are not believed without a second look: a
recording ends when no frame comes, and `MediaClock` says which of its times can be trusted.
"""

from __future__ import annotations

import io
import os
import threading
import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.errors import SourceError
from edgefeat.sources.base import FrameError, Grab, OpenReader, Traits
from edgefeat.sources.media_clock import MediaClock
from edgefeat.sources.playout import Playout, Timeline

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["CaptureReader", "LiveReader", "RecordingReader", "open_ffmpeg", "stated_duration_s"]

_PROBED_FRAMES = 4
_NO_TIME = -(2.0**62)  # FFmpeg's AV_NOPTS_VALUE is -2 to the 63rd
# A recording over a network that ends earlier than it states by more than this broke off.
_MISSING_SHARE, _MISSING_S = 0.05, 1.0


class CaptureReader(OpenReader):
    """What readers of a cv2.VideoCapture share.

    Args:
        capture: An open one; released on `close`.
        name: What the source is called, for messages.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture, self._name = capture, name

    def retrieve(self) -> Pixels:
        """Decode the frame: uint8 `(height, width, 3)`, BGR."""
        done, image = self._capture.retrieve()
        if not done or image is None or image.dtype != np.uint8:
            raise FrameError("a frame cannot be decoded", where=self._name)
        return image.astype(np.uint8, copy=False)

    def close(self) -> None:
        """Release the capture."""
        self._capture.release()


class LiveReader(CaptureReader):
    """Reads a camera. A read cannot be interrupted; it ends within its time limit.

    Args:
        capture: An open one; released on `close`.
        name: What the source is called, for messages.
        timeout_s: The time limit of a read.
        notice: What the camera does differently from what was asked.
        timeline: What is known of the times of a source that may come in bursts; None for
            sources that send at their own pace.
    """

    def __init__(
        self,
        capture: cv2.VideoCapture,
        name: str,
        *,
        timeout_s: float,
        notice: str | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        super().__init__(capture, name)
        self._timeout_s, self._timeline = timeout_s, timeline
        self.notice = notice
        self._interrupted = threading.Event()
        self._playout = None if timeline is None else Playout(timeline, self._interrupted)
        self._has_frames = self._has_news = False

    def grab(self) -> Grab:
        """Wait for the next frame."""
        started = time.monotonic()
        grabbed = self._capture.grab()
        # After a timeout OpenCV gives what its decoder still held, as if it were new.
        if time.monotonic() - started >= self._timeout_s:
            raise self._loss(f"no frame for {self._timeout_s:g} s")
        if not grabbed:
            raise self._loss("the stream broke off")
        self._has_frames = True
        return Grab(repeated=self._repeats_or_waited())

    def interrupt(self) -> None:
        """End a wait for the time of a frame that came early."""
        self._interrupted.set()

    def _repeats_or_waited(self) -> bool:
        """Return whether the frame was given before; if not, wait until it is due."""
        if self._playout is None or self._timeline is None:
            return False
        server_s = _server_time_s(self._capture)
        if not self._has_news and self._timeline.repeats(server_s):
            return True
        self._has_news = True
        self._playout.hold(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        if not self._interrupted.is_set():  # by then another connection may be further on
            self._timeline.given_s = server_s
        return False

    def _loss(self, problem: str) -> SourceError:
        if self._has_frames:
            return SourceError(problem, where=self._name)
        return SourceError(
            f"{problem}; none came before",
            where=self._name,
            remedy="It may wait for a key frame: if they come rarely, raise {option}.",
            option="timeout_s",
        )


class RecordingReader(CaptureReader):
    """Reads a recording, from a file or over a network, to its end.

    Args:
        capture: An open one; released on `close`.
        name: What the source is called, for messages.
        place: What to open for a second look: the path or the URL.
        network_timeout_s: The time limit of a read over a network; None for a file.
    """

    traits = Traits()

    def __init__(
        self,
        capture: cv2.VideoCapture,
        name: str,
        place: str,
        *,
        network_timeout_s: float | None = None,
    ) -> None:
        super().__init__(capture, name)
        self._place, self._timeout_s = place, network_timeout_s
        self._clock = MediaClock(capture.get(cv2.CAP_PROP_FPS))
        self._frames = 0
        self._at_s = 0.0

    def grab(self) -> Grab | None:
        """Wait for the next frame; None at the end."""
        started = time.monotonic()
        grabbed = self._capture.grab()
        if self._timeout_s is not None and time.monotonic() - started >= self._timeout_s:
            raise SourceError(f"no frame for {self._timeout_s:g} s", where=self._name)
        if not grabbed:
            self._check_end()
            return None
        self._frames += 1
        position_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        self._at_s = position_ms / 1000
        return Grab(media_s=self._clock.tick(position_ms))

    def states_times(self) -> bool:
        """Return whether the first frames have times that can be trusted."""
        capture = open_ffmpeg(self._place, self._timeout_s or 5.0, threads=1)
        try:
            clock = MediaClock(capture.get(cv2.CAP_PROP_FPS))
            for _ in range(_PROBED_FRAMES):
                if not capture.grab():
                    return True  # so few frames need no rate
                if clock.tick(capture.get(cv2.CAP_PROP_POS_MSEC)) is None:
                    return False
            return True
        finally:
            capture.release()

    def _check_end(self) -> None:
        """Tell an end from a video that cannot be decoded, and from a network that broke."""
        if self._frames == 0:
            raise SourceError(
                f"no frame could be decoded; the video's codec is {_codec(self._capture)}",
                where=self._name,
                remedy="Convert it, as with `ffmpeg -i FILE -c:v libx264 new.mp4`.",
            )
        stated_s = stated_duration_s(self._capture)
        if self._timeout_s is None or stated_s is None:
            return
        if stated_s - self._at_s > max(_MISSING_S, _MISSING_SHARE * stated_s):
            raise SourceError(
                f"the recording broke off after {self._at_s:.1f} of {stated_s:.1f} s",
                where=self._name,
            )


def stated_duration_s(capture: cv2.VideoCapture) -> float | None:
    """Return how long a recording says it is; None if it does not say, as live streams."""
    count, fps = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return count / fps if count >= 1 and fps > 0 else None


def _server_time_s(capture: cv2.VideoCapture) -> float | None:
    """Return the server's own time of the frame last grabbed, which goes on over connections.

    Positions in ms start anew with each connection. MPEG-4 Part 2 states no such time.
    """
    frames, fps = capture.get(cv2.CAP_PROP_PTS), capture.get(cv2.CAP_PROP_FPS)
    return frames / fps if fps > 0 and frames > _NO_TIME else None


def _codec(capture: cv2.VideoCapture) -> str:
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    letters = "".join(chr((code >> shift) & 0xFF) for shift in (0, 8, 16, 24))
    return letters.strip() if letters.isprintable() and letters.strip() else "unknown"


def open_ffmpeg(
    place: str | io.BufferedIOBase, timeout_s: float, *, threads: int = 0
) -> cv2.VideoCapture:
    """Open a path, a URL or a file object with time limits.

    Args:
        place: What to open. A file object keeps its own time limit, and must not raise.
        timeout_s: Longest wait to open, and for each read.
        threads: How many threads decode; 0 leaves it to OpenCV.
    """
    # FFmpeg writes to stderr by itself, URLs and all; what is wrong is said by us.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    limit_ms = max(1, round(timeout_s * 1000))
    settings = {
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: limit_ms,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC: limit_ms,
        cv2.CAP_PROP_N_THREADS: threads,
    }
    flat = [number for setting in settings.items() for number in setting]
    return cv2.VideoCapture(place, cv2.CAP_FFMPEG, flat)  # type: ignore[arg-type]
