"""Video files, and RTSP and other network video."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from edgefeat.errors import OptionError, SourceError
from edgefeat.messages.redact import redact
from edgefeat.options.network import NetworkOptions
from edgefeat.options.video import VideoOptions
from edgefeat.sources.base import Grab, Traits
from edgefeat.sources.capture import LiveReader, RecordingReader
from edgefeat.sources.decoders.base import CannotOpenError, Decoder, Opener, OpenRequest
from edgefeat.sources.decoders.choose import check_installed, decodes_by_pyav, open_decoder
from edgefeat.sources.http.body import Body
from edgefeat.sources.http.tls import Tls
from edgefeat.sources.playlist import PlaylistOpener
from edgefeat.sources.playout import Timeline

__all__ = ["NetworkVideoSource", "VideoFileSource", "read_body"]

_PLAYLISTS = (".m3u8", ".mpd")


class VideoFileSource:
    """A video file: every frame that decodes, once, in order.

    Args:
        path: The file.
        video: How to decode it; None: the defaults.
    """

    def __init__(self, path: str | Path, video: VideoOptions | None = None) -> None:
        self.name = str(path)
        self.traits = Traits()
        self._video = video or VideoOptions()
        check_installed(self._video)

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
        request = OpenRequest(
            place=self.name, name=self.name, timeout_s=timeout_s, video=self._video
        )
        try:
            return RecordingReader(open_decoder(request), request)
        except CannotOpenError as error:
            raise SourceError(
                _with_reason("not a video that can be decoded", error),
                where=self.name,
                remedy="Convert it, as with `ffmpeg -i FILE -c:v libx264 new.mp4`.",
            ) from None


class NetworkVideoSource:
    """RTSP, or any other URL that FFmpeg reads; RTSP goes over TCP unless the user says otherwise.

    Whether it is live is known once it is open: what is fetched by HTTP and states a duration is
    a recording, which gives every frame once and then ends.

    Args:
        url: Address, with `user:password@` in it where the camera asks for them.
        network: How the camera is reached and trusted; None: the defaults.
        video: How to decode it; None: the defaults.

    Raises:
        OptionError: An option does not go with this address.
    """

    def __init__(
        self,
        url: str,
        network: NetworkOptions | None = None,
        video: VideoOptions | None = None,
    ) -> None:
        self.name = redact(url)
        self.traits = Traits(live=True, reopens=True)
        network = network or NetworkOptions()
        self._url, self._tls = url, Tls(network)
        self._transport = network.rtsp_transport
        if self._transport is not None and not url.lower().startswith("rtsp"):
            raise OptionError(
                f"does not go with {self.name}, which is not RTSP", option="rtsp_transport"
            )
        self._video = video or VideoOptions()
        check_installed(self._video)
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
        is_playlist = not has_end and (url is not None or _is_playlist(self._url))
        url = url or self._url
        self._tls.check(url, self.name, timeout_s)
        options = self._tls.ffmpeg_options()
        if self._transport is not None:
            options["rtsp_transport"] = self._transport.value
        request = OpenRequest(
            place=url,
            name=self.name,
            timeout_s=timeout_s,
            live=True,
            options=options,
            video=self._video,
            opener=self._opener(url, timeout_s) if is_playlist else None,
        )
        started = time.monotonic()
        try:
            decoder = open_decoder(request)
        except CannotOpenError as error:
            late = time.monotonic() - started >= timeout_s
            raise self._refusal(error, timeout_s, late=late) from None
        notice = self._notice(url, request, is_playlist=is_playlist)
        by_http = url.lower().startswith(("http:", "https:"))
        if has_end or (by_http and decoder.duration_s is not None):
            return RecordingReader(decoder, request, by_network=True, notice=notice)
        return LiveReader(
            decoder,
            self.name,
            timeout_s=timeout_s,
            notice=notice,
            timeline=self._timeline if by_http else None,
        )

    def __repr__(self) -> str:
        return f"NetworkVideoSource({self.name!r})"

    def _opener(self, url: str, timeout_s: float) -> Opener | None:
        """Return what opens a playlist so that all certificates are looked at, if PyAV can."""
        if self._tls.options.insecure or not (_by_tls(url) and decodes_by_pyav(self._video)):
            return None
        return PlaylistOpener(self.name, self._tls, timeout_s)

    def _notice(self, url: str, request: OpenRequest, *, is_playlist: bool) -> str | None:
        said = self._tls.notice(url)
        if said is None and is_playlist and _by_tls(url) and request.opener is None:
            return (
                "the certificate of the playlist's server is checked, those of its segments are "
                "not: FFmpeg does not look at them"
            )
        return said

    def _refusal(self, error: CannotOpenError, timeout_s: float, *, late: bool) -> SourceError:
        checks = "Check address, port, path, user and password"
        if not late:
            what = _with_reason("refused or not a video stream", error)
            return SourceError(what, where=self.name, remedy=f"{checks}.")
        return SourceError(
            f"no answer, or no key frame, in {timeout_s:g} s",
            where=self.name,
            remedy=f"{checks}; if key frames come more rarely, raise {{option}}.",
            option="timeout_s",
        )


def _by_tls(url: str) -> bool:
    return urlsplit(url).scheme.lower() == "https"


def _is_playlist(url: str) -> bool:
    return urlsplit(url).path.lower().endswith(_PLAYLISTS)


def _with_reason(problem: str, error: CannotOpenError) -> str:
    return f"{problem} ({error.reason})" if error.reason else problem


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

    def seekable(self) -> bool:
        return False


class _BodyVideoReader(LiveReader):
    """Reads video from the body of an answer."""

    def __init__(
        self, decoder: Decoder, file: _BodyFile, body: Body, name: str, timeout_s: float
    ) -> None:
        super().__init__(decoder, name, timeout_s=timeout_s)
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


def read_body(body: Body, name: str, timeout_s: float, video: VideoOptions) -> LiveReader:
    """Return a reader of the video in a body.

    Args:
        body: The body; it is the reader's from now on.
        name: What the source is called.
        timeout_s: The time limit of a read.
        video: How to decode it.

    Raises:
        SourceError: It is no video that FFmpeg reads.
    """
    file = _BodyFile(body)
    request = OpenRequest(place=file, name=name, timeout_s=timeout_s, live=True, video=video)
    try:
        decoder = open_decoder(request)
    except CannotOpenError as error:
        raise file.error or SourceError(
            _with_reason("not a video that FFmpeg reads", error),
            where=name,
            remedy="Check the URL.",
        ) from None
    return _BodyVideoReader(decoder, file, body, name, timeout_s)
