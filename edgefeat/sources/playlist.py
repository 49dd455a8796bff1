"""What a playlist names, fetched by Python's connections: FFmpeg looks at no certificate of it.

FFmpeg hands options of TLS to a playlist's own connection and to none of those that follow from it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from edgefeat.errors import SourceError
from edgefeat.sources.http.ask import ask
from edgefeat.sources.http.body import Body
from edgefeat.sources.http.tls import Tls

__all__ = ["PlaylistOpener"]

_ENCRYPTED = "crypto"
_CHUNK = 1 << 16


class PlaylistOpener:
    """Opens a playlist and all that it names.

    FFmpeg goes on to the next segment after an error. PyAV raises the first one when FFmpeg is
    done, and prints others with a traceback: so after the first one everything is empty.

    Args:
        name: What the source is called.
        tls: Who is trusted.
        timeout_s: Longest wait for each answer, and for each piece of it.

    Attributes:
        failed: Whether there was an error.
    """

    def __init__(self, name: str, tls: Tls, timeout_s: float) -> None:
        self._name, self._tls, self._timeout_s = name, tls, timeout_s
        self.failed = False

    def __call__(self, url: str, options: Mapping[str, str]) -> io.BufferedIOBase:
        """Open a URL, with FFmpeg's options for it.

        Raises:
            SourceError: It is refused, cannot be reached, or is not trusted.
        """
        if self.failed:
            return io.BytesIO()
        try:
            return _Piece(self._body(url), options, self)
        except SourceError:
            self.failed = True
            raise

    def _body(self, url: str) -> Body:
        if url.startswith(_ENCRYPTED):
            raise SourceError(
                "its segments are encrypted, and FFmpeg checks no certificates of those",
                where=self._name,
                remedy="Trust them unseen with {option}.",
                option="insecure=True",
            )
        answer = ask(url, name=self._name, tls=self._tls, timeout_s=self._timeout_s)
        return Body(answer, self._name, self._timeout_s)


class _Piece(io.BufferedIOBase):
    """A playlist or a segment; a segment may be a part of what its URL gives.

    Args:
        body: The whole answer.
        options: FFmpeg's own; `offset` and `end_offset` say which part.
        opener: What opened it.
    """

    def __init__(self, body: Body, options: Mapping[str, str], opener: PlaylistOpener) -> None:
        self._body, self._opener = body, opener
        self._at, self._begin = 0, int(options.get("offset") or 0)
        self._end = int(options.get("end_offset") or 0)

    def read(self, size: int | None = -1, /) -> bytes:
        while not (self._opener.failed or 0 < self._end <= self._at):
            try:
                piece = self._body.receive(size if size and size > 0 else _CHUNK)
            except SourceError:
                self._opener.failed = True
                raise
            start, self._at = self._at, self._at + len(piece)
            end = self._end - start if self._end else len(piece)
            wanted = piece[max(0, self._begin - start) : end]
            if wanted or not piece:
                return wanted
        return b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        self._body.close()
        super().close()
