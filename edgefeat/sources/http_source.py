"""A camera at an http or https URL: what it is shows in its answer, not in its URL.

multipart/...               pictures as they come (MJPEG)
image/...                   one picture, asked for again and again; or JPEGs without an end
a recording, a playlist     FFmpeg opens the URL
other video                 FFmpeg reads the answer that is already here
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TypeAlias

from edgefeat.errors import SourceError
from edgefeat.messages.redact import redact
from edgefeat.options.network import NetworkOptions
from edgefeat.options.video import VideoOptions
from edgefeat.sources.base import Traits
from edgefeat.sources.capture import LiveReader, RecordingReader
from edgefeat.sources.http.ask import Answer, ask
from edgefeat.sources.http.body import Body
from edgefeat.sources.http.tls import Tls
from edgefeat.sources.jpeg_end import JpegCutter
from edgefeat.sources.mjpeg import JpegStreamReader, PartsReader
from edgefeat.sources.multipart import boundary_of
from edgefeat.sources.snapshot import SnapshotReader
from edgefeat.sources.video import NetworkVideoSource, read_body

__all__ = ["HttpSource"]

_AnyReader: TypeAlias = (
    PartsReader | JpegStreamReader | SnapshotReader | LiveReader | RecordingReader
)

_JPEG_VIDEO = ("video/x-motion-jpeg", "video/x-jpeg", "video/mjpeg", "video/x-mjpeg", "video/jpeg")
_JPEG = ("image/jpeg", "image/jpg", "image/pjpeg")
_PLAYLISTS = (
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "audio/mpegurl",
    "audio/x-mpegurl",
    "application/dash+xml",
)
_NEVER_VIDEO = ("text/", "application/json", "application/xml", "font/")
_OPENED_BY_URL = frozenset({".m3u8", ".mpd", ".mp4", ".mkv", ".mov", ".avi", ".webm"})


class HttpSource:
    """A camera, snapshot, stream or recording at a URL.

    Args:
        url: `http://` or `https://`, with `user:password@` where the camera asks for them.
        network: How the camera is reached and trusted; None: the defaults.
        video: How video is decoded; None: the defaults.
    """

    def __init__(
        self,
        url: str,
        network: NetworkOptions | None = None,
        video: VideoOptions | None = None,
    ) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        self._url, self._tls = url, Tls(network or NetworkOptions())
        self._options = video or VideoOptions()
        self._video = NetworkVideoSource(url, network, video)

    def open(self, *, timeout_s: float) -> _AnyReader:
        """Connect, and look at what comes.

        Raises:
            SourceError: No connection, no answer in time, a refusal, or nothing with pictures.
        """
        if PurePosixPath(self._url.partition("?")[0].lower()).suffix in _OPENED_BY_URL:
            try:
                return self._video.open(timeout_s=timeout_s)
            except SourceError:
                # FFmpeg's reasons are not known here; a refusal has a number that says more.
                ask(self._url, name=self.name, tls=self._tls, timeout_s=timeout_s).close()
                raise
        answer = ask(self._url, name=self.name, tls=self._tls, timeout_s=timeout_s)
        try:
            reader = self._reader(answer, timeout_s)
        except BaseException:
            answer.close()
            raise
        reader.notice = reader.notice or self._tls.notice(answer.url)
        return reader

    def __repr__(self) -> str:
        return f"HttpSource({self.name!r})"

    def _reader(self, answer: Answer, timeout_s: float) -> _AnyReader:
        kind = answer.kind
        body = Body(answer, self.name, timeout_s)
        if kind.startswith("multipart/"):
            body.forget_length()
            stated = boundary_of(answer.response.getheader("Content-Type", ""))
            return PartsReader(body, stated, self.name)
        if kind in _JPEG_VIDEO:
            return JpegStreamReader(body, self.name)
        if kind.startswith("image/"):
            return self._pictures(answer, body, timeout_s)
        if kind.startswith(_NEVER_VIDEO):
            raise SourceError(
                f"expected pictures or video, got {kind}",
                where=self.name,
                remedy="Give the URL of the camera's stream or snapshot, not of a page about it.",
            )
        if kind in _PLAYLISTS or answer.response.length is not None:
            answer.close()
            has_end = kind not in _PLAYLISTS
            return self._video.open(timeout_s=timeout_s, url=answer.url, has_end=has_end)
        return read_body(body, self.name, timeout_s, self._options)

    def _pictures(self, answer: Answer, body: Body, timeout_s: float) -> _AnyReader:
        """Read one picture after the other, or ask for one again and again."""
        first: Answer | None = answer
        if answer.response.length is None and answer.kind in _JPEG:
            # Without a length only the second picture tells which of the two it is.
            cutter = JpegCutter(body.receive)
            picture = cutter.next_picture()
            if picture is not None and (rest := body.receive()):
                return JpegStreamReader(body, self.name, picture[0] + cutter.rest + rest)
            answer.close()
            first = None
        return SnapshotReader(first, self._url, name=self.name, tls=self._tls, timeout_s=timeout_s)
