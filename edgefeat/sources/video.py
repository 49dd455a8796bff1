"""Video files, and RTSP and other network video, as OpenCV's FFmpeg reads them."""

from __future__ import annotations

import io
import os
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from edgefeat.errors import OptionError, SourceError
from edgefeat.messages.redact import redact
from edgefeat.options.network import NetworkOptions
from edgefeat.sources.base import Grab, Traits
from edgefeat.sources.capture import LiveReader, RecordingReader, open_ffmpeg, stated_duration_s
from edgefeat.sources.ffmpeg_options import ffmpeg_options
from edgefeat.sources.http.body import Body
from edgefeat.sources.http.tls import Tls
from edgefeat.sources.playout import Timeline

__all__ = ["NetworkVideoSource", "VideoFileSource", "read_body"]

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
    """RTSP, or any other URL that FFmpeg reads; RTSP goes over TCP unless the user says otherwise.

    Whether it is live is known once it is open: what is fetched by HTTP and states a duration is
    a recording, which gives every frame once and then ends.

    Args:
        url: Address, with `user:password@` in it where the camera asks for them.
        network: How the camera is reached and trusted; None: the defaults.
    """

    def __init__(self, url: str, network: NetworkOptions | None = None) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        network = network or NetworkOptions()
        self._url, self._tls = url, Tls(network)
        self._transport = network.rtsp_transport
        if self._transport is not None and not url.lower().startswith("rtsp"):
            raise OptionError(
                f"does not go with {self.name}, which is not RTSP", option="rtsp_transport"
            )
        self._timeline = Timeline()

    def open(
        self, *, timeout_s: float, url: str | None = None, has_end: bool = False
    ) -> LiveReader | RecordingReader:
        """Connect.

        Args:
            timeout_s: Longest wait to connect, and for each frame.
            url: Where a redirection led to; None: the source's own.
            has_end: Whether it is known to be a recording.

        Raises:
            SourceError: Nothing there, no answer in time, or a refusal.
        """
        url = url or self._url
        self._tls.check(url, self.name, timeout_s)
        options = self._tls.ffmpeg_options()
        if self._transport is not None:
            options["rtsp_transport"] = self._transport.value
        with ExitStack() as held:
            with ffmpeg_options(options, name=self.name, timeout_s=timeout_s):
                started = time.monotonic()
                # Each decoding thread more holds back a frame more.
                capture = open_ffmpeg(url, timeout_s, threads=1)
            held.callback(capture.release)
            if not capture.isOpened():
                raise self._refusal(timeout_s, late=time.monotonic() - started >= timeout_s)
            by_http = url.lower().startswith(("http:", "https:"))
            held.pop_all()  # the reader releases it from now on
            if has_end or (by_http and stated_duration_s(capture) is not None):
                return RecordingReader(capture, self.name, url, network_timeout_s=timeout_s)
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


class _BodyFile(io.BufferedIOBase):
    """An answer's body as FFmpeg reads it: it cannot go back, and it raises nothing into C++.

    Attributes:
        error: What ended the body; None at its regular end.
    """

    def __init__(self, body: Body) -> None:
        self._body = body
        self.error: SourceError | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        if self.error is None:
            try:
                return self._body.receive(size or -1)
            except SourceError as error:
                self.error = error
        return b""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return -1

    def readable(self) -> bool:
        return True


class _BodyVideoReader(LiveReader):
    """Reads video from the body of an answer."""

    def __init__(
        self, capture: cv2.VideoCapture, file: _BodyFile, body: Body, name: str, timeout_s: float
    ) -> None:
        super().__init__(capture, name, timeout_s=timeout_s)
        self._file, self._body = file, body

    def grab(self) -> Grab:
        try:
            return super().grab()
        except SourceError:
            if self._file.error is not None:
                raise self._file.error from None
            raise

    def interrupt(self) -> None:
        self._body.interrupt()

    def close(self) -> None:
        super().close()
        self._body.close()


def read_body(body: Body, name: str, timeout_s: float) -> LiveReader:
    """Return a reader of the video in a body.

    Args:
        body: The body; it is the reader's from now on.
        name: What the source is called.
        timeout_s: The time limit of a read.

    Raises:
        SourceError: It is no video that FFmpeg reads.
    """
    file = _BodyFile(body)
    capture = open_ffmpeg(file, timeout_s, threads=1)
    if not capture.isOpened():
        capture.release()
        raise file.error or SourceError(
            "not a video that FFmpeg reads", where=name, remedy="Check the URL."
        )
    return _BodyVideoReader(capture, file, body, name, timeout_s)
