"""Video files, and RTSP and other network video, as OpenCV's FFmpeg reads them."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path

from edgefeat.errors import SourceError
from edgefeat.messages.redact import redact
from edgefeat.sources.base import Traits
from edgefeat.sources.capture import LiveReader, RecordingReader, open_ffmpeg, stated_duration_s
from edgefeat.sources.playout import Timeline

__all__ = ["NetworkVideoSource", "VideoFileSource"]


class VideoFileSource:
    """A video file: every frame that decodes, once, in order.

    Args:
        path: The file.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = str(path)
        self.traits = Traits()

    def open(self, *, timeout_s: float) -> RecordingReader:
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
        with ExitStack() as held:
            capture = open_ffmpeg(self.name, timeout_s)
            held.callback(capture.release)
            if not capture.isOpened():
                raise SourceError(
                    "not a video that can be decoded",
                    where=self.name,
                    remedy="Convert it, as with `ffmpeg -i FILE -c:v libx264 new.mp4`.",
                )
            held.pop_all()  # the reader releases it from now on
            return RecordingReader(capture, self.name, self.name)


class NetworkVideoSource:
    """RTSP, or any other URL that FFmpeg reads; RTSP goes over TCP, so no packet is lost.

    Whether it is live is known once it is open: what is fetched by HTTP and states a duration is
    a recording, which gives every frame once and then ends.

    Args:
        url: With `user:password@` where the camera asks for them.
    """

    def __init__(self, url: str) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        self._url = url
        self._timeline = Timeline()

    def open(self, *, timeout_s: float) -> LiveReader | RecordingReader:
        """Connect.

        Raises:
            SourceError: Nothing there, no answer in time, or a refusal.
        """
        started = time.monotonic()
        with ExitStack() as held:
            # Each decoding thread more holds back a frame more.
            capture = open_ffmpeg(self._url, timeout_s, threads=1)
            held.callback(capture.release)
            if not capture.isOpened():
                raise self._refusal(timeout_s, late=time.monotonic() - started >= timeout_s)
            by_http = self._url.lower().startswith(("http:", "https:"))
            held.pop_all()  # the reader releases it from now on
            if by_http and stated_duration_s(capture) is not None:
                return RecordingReader(capture, self.name, self._url, network_timeout_s=timeout_s)
            timeline = self._timeline if by_http else None
            return LiveReader(capture, self.name, timeout_s=timeout_s, timeline=timeline)

    def __repr__(self) -> str:
        return f"NetworkVideoSource({self.name!r})"

    def _refusal(self, timeout_s: float, *, late: bool) -> SourceError:
        checks = "Check address, port, path, user and password"
        if not late:
            what = "refused or not a video stream"
            return SourceError(what, where=self.name, remedy=f"{checks}.")
        return SourceError(
            f"no answer, or no key frame, in {timeout_s:g} s",
            where=self.name,
            remedy=f"{checks}; if key frames come more rarely, raise {{option}}.",
            option="timeout_s",
        )
