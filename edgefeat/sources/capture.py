"""Readers of decoded video: cameras that send for ever, and recordings that end.

Frame counts and positions that a container states are not believed without a second look: a
recording ends when no frame comes, and `MediaClock` says which of its times can be trusted.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from edgefeat.errors import SourceError
from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import FrameError, Grab, OpenReader, Traits, Unconverted
from edgefeat.sources.decoders.base import CannotOpenError, Decoder, OpenRequest
from edgefeat.sources.decoders.choose import open_decoder
from edgefeat.sources.media_clock import MediaClock
from edgefeat.sources.playout import Playout, Timeline

__all__ = ["LiveReader", "RecordingReader", "VideoReader"]

_PROBED_FRAMES = 4
_CONVERT = "Convert it, as with `ffmpeg -i FILE -c:v libx264 new.mp4`."
# A recording over a network that ends earlier than it states by more than this broke off.
_MISSING_SHARE, _MISSING_S = 0.05, 1.0


class VideoReader(OpenReader):
    """What readers of video share.

    Args:
        decoder: An open one; released on `close`.
        name: What the source is called, for messages.
    """

    def __init__(self, decoder: Decoder, name: str) -> None:
        self._decoder, self._name = decoder, name

    def retrieve(self) -> ImageInput:
        """Decode the frame: uint8 `(height, width, 3)`, BGR."""
        return self._decoder.retrieve()

    def retrieve_later(self) -> ImageInput | Unconverted:
        """Return the frame, which may become pixels later."""
        return self._decoder.retrieve_later()

    def close(self) -> None:
        """Release the decoder."""
        self._decoder.release()


class LiveReader(VideoReader):
    """Reads a camera. A read cannot be interrupted; it ends within its time limit.

    Args:
        decoder: An open one; released on `close`.
        name: What the source is called, for messages.
        timeout_s: The time limit of a read.
        notice: What the camera does differently from what was asked.
        timeline: What is known of the times of a source that may come in bursts; None for
            sources that send at their own pace.
    """

    def __init__(
        self,
        decoder: Decoder,
        name: str,
        *,
        timeout_s: float,
        notice: str | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        super().__init__(decoder, name)
        self._timeout_s, self._timeline = timeout_s, timeline
        self.notice = notice
        self._interrupted = threading.Event()
        self._playout = None if timeline is None else Playout(timeline, self._interrupted)
        self._has_frames = self._has_news = False

    def grab(self) -> Grab:
        """Wait for the next frame."""
        started = time.monotonic()
        grabbed = self._decoder.grab()
        # After a timeout OpenCV gives what its decoder still held, as if it were new.
        if time.monotonic() - started >= self._timeout_s:
            raise self._loss(f"no frame for {self._timeout_s:g} s")
        if not grabbed:
            raise self._loss("the stream broke off")
        self._has_frames = True
        self.notice = self._decoder.notice or self.notice
        return Grab(repeated=self._repeats_or_waited())

    def interrupt(self) -> None:
        """End a wait for the time of a frame that came early."""
        self._interrupted.set()

    def _repeats_or_waited(self) -> bool:
        """Return whether the frame was given before; if not, wait until it is due."""
        if self._playout is None or self._timeline is None:
            return False
        server_s = self._decoder.server_s
        if not self._has_news and self._timeline.repeats(server_s):
            return True
        self._has_news = True
        self._playout.hold(self._decoder.position_ms / 1000)
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


class RecordingReader(VideoReader):
    """Reads a recording, from a file or over a network, to its end.

    Args:
        decoder: An open one; released on `close`.
        request: How it was opened; it is opened again for a second look.
        by_network: Whether reads may take too long, or break off.
        notice: What is different from what was asked.
    """

    traits = Traits()
    has_one_size = True

    def __init__(
        self,
        decoder: Decoder,
        request: OpenRequest,
        *,
        by_network: bool = False,
        notice: str | None = None,
    ) -> None:
        super().__init__(decoder, request.name)
        self._request = request
        self._timeout_s = request.timeout_s if by_network else None
        self.notice = notice
        self._clock = MediaClock(decoder.fps)
        self._frames = 0
        self._at_s = 0.0

    def grab(self) -> Grab | None:
        """Wait for the next frame; None at the end.

        Raises:
            FrameError: This frame cannot be read; the next may be.
            SourceError: The recording cannot be read on, or gave no frame in time.
        """
        started = time.monotonic()
        try:
            grabbed = self._decoder.grab()
        except FrameError:
            raise
        except SourceError:
            self._check_end()  # which says how far it came
            raise
        if self._timeout_s is not None and time.monotonic() - started >= self._timeout_s:
            raise SourceError(f"no frame for {self._timeout_s:g} s", where=self._name)
        if not grabbed:
            self._check_end()
            return None
        self._frames += 1
        self.notice = self._decoder.notice or self.notice
        position_ms = self._decoder.position_ms
        self._at_s = position_ms / 1000
        return Grab(media_s=self._clock.tick(position_ms))

    def states_times(self) -> bool:
        """Return whether the first frames have times that can be trusted."""
        try:
            decoder = open_decoder(replace(self._request, live=True))
        except CannotOpenError:
            return True  # it is open already: that it cannot be twice says nothing of its times
        try:
            clock = MediaClock(decoder.fps)
            for _ in range(_PROBED_FRAMES):
                if not decoder.grab():
                    return True  # so few frames need no rate
                if clock.tick(decoder.position_ms) is None:
                    return False
            return True
        except FrameError:
            return True  # damaged at the start: each frame will show
        finally:
            decoder.release()

    def _check_end(self) -> None:
        """Tell an end from a video that cannot be decoded, and from a network that broke."""
        if self._frames == 0:
            raise SourceError(
                f"no frame could be decoded; the video's codec is {self._decoder.codec}",
                where=self._name,
                remedy=" ".join([_CONVERT, self._decoder.advice]).strip(),
            )
        stated_s = self._decoder.duration_s
        if self._timeout_s is None or stated_s is None:
            return
        if stated_s - self._at_s > max(_MISSING_S, _MISSING_SHARE * stated_s):
            raise SourceError(
                f"the recording broke off after {self._at_s:.1f} of {stated_s:.1f} s",
                where=self._name,
            )
