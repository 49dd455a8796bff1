"""Video files, and RTSP and other network video, as OpenCV's FFmpeg reads them."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from edgefeat.errors import SourceError
from edgefeat.messages.redact import redact
from edgefeat.options.network import NetworkOptions
from edgefeat.sources.base import Traits
from edgefeat.sources.capture import LiveReader, RecordingReader, open_ffmpeg, stated_duration_s
from edgefeat.sources.ffmpeg_options import ffmpeg_options
from edgefeat.sources.http.tls import Tls
from edgefeat.sources.playout import Timeline

__all__ = ["NetworkVideoSource", "VideoFileSource"]

_PLAYLISTS = (".m3u8", ".mpd")


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
        url: Address, with `user:password@` in it where the camera asks for them.
        network: How the camera is reached and trusted; None: the defaults.
    """

    def __init__(self, url: str, network: NetworkOptions | None = None) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        self._url, self._tls = url, Tls(network or NetworkOptions())
        self._timeline = Timeline()

    def open(self, *, timeout_s: float) -> LiveReader | RecordingReader:
        """Connect.

        Raises:
            SourceError: Nothing there, no answer in time, or a refusal.
        """
        self._tls.check(self._url, self.name, timeout_s)
        options = self._tls.ffmpeg_options()
        with ExitStack() as held:
            with ffmpeg_options(options, name=self.name, timeout_s=timeout_s):
                started = time.monotonic()
                # Each decoding thread more holds back a frame more.
                capture = open_ffmpeg(self._url, timeout_s, threads=1)
            held.callback(capture.release)
            if not capture.isOpened():
                raise self._refusal(timeout_s, late=time.monotonic() - started >= timeout_s)
            by_http = self._url.lower().startswith(("http:", "https:"))
            held.pop_all()  # the reader releases it from now on
            if by_http and stated_duration_s(capture) is not None:
                return RecordingReader(capture, self.name, self._url, network_timeout_s=timeout_s)
            return LiveReader(
                capture,
                self.name,
                timeout_s=timeout_s,
                notice=self._notice(),
                timeline=self._timeline if by_http else None,
            )

    def __repr__(self) -> str:
        return f"NetworkVideoSource({self.name!r})"

    def _notice(self) -> str | None:
        parts = urlsplit(self._url)
        if parts.scheme == "https" and parts.path.lower().endswith(_PLAYLISTS):
            return self._tls.notice(self._url) or (
                "the certificate of the playlist's server is checked, those of its segments are "
                "not: FFmpeg does not look at them"
            )
        return self._tls.notice(self._url)

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
