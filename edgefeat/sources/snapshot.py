"""A URL that gives one picture: asked again and again, at the rate that the user wants."""

from __future__ import annotations

import threading
import time

from edgefeat.errors import SourceError
from edgefeat.sources.base import FrameError, Grab, OpenReader, Traits, nothing_grabbed
from edgefeat.sources.http.ask import Answer, ask
from edgefeat.sources.http.body import Body
from edgefeat.sources.http.tls import Tls
from edgefeat.sources.jpeg_end import MAX_PICTURE_BYTES
from edgefeat.sources.mjpeg import whole_picture

__all__ = ["SnapshotReader"]

_USUAL_FPS = 1.0
_MOST_DAMAGED = 10  # in a row


class SnapshotReader(OpenReader):
    """Asks a camera for one picture after the other.

    The rate is that of `Selection.fps`, or one a second. A picture that is the very same as the
    one before is counted as repeated: the camera has taken no new one.

    Args:
        answer: The first answer; None to ask for it.
        url: What to ask for again.
        name: What the source is called, for messages.
        tls: Who is trusted.
        timeout_s: Longest wait for one picture.
    """

    # A camera may be asked once an hour: silence is no fault, and each request has its time limit.
    traits = Traits(live=True, reopens=True, paced=False)

    def __init__(
        self, answer: Answer | None, url: str, *, name: str, tls: Tls, timeout_s: float
    ) -> None:
        self._url, self._name, self._tls, self._timeout_s = url, name, tls, timeout_s
        self._body = None if answer is None else Body(answer, name, timeout_s)
        self._stopped = threading.Event()
        self._interval_s = 1 / _USUAL_FPS
        self._due_at = time.monotonic()
        self._picture: bytes | None = None
        self._damaged = 0

    def set_rate(self, fps: float | None) -> None:
        """Ask so many times a second; None: once."""
        self._interval_s = 1 / (fps or _USUAL_FPS)

    def grab(self) -> Grab:
        """Wait until the next picture is due, and fetch it."""
        body = self._body or self._ask()
        self._body = None
        try:
            captured_at, wall_time = time.monotonic(), time.time()
            data = self._read(body)
        finally:
            body.close()
        picture = self._checked(data)
        same, self._picture = picture == self._picture, picture
        return Grab(captured_at=captured_at, wall_time=wall_time, unchanged=same)

    def retrieve(self) -> bytes:
        """Return the picture last grabbed, encoded."""
        if self._picture is None:
            raise nothing_grabbed(self._name)
        return self._picture

    def interrupt(self) -> None:
        """End the wait for the next picture."""
        self._stopped.set()
        body = self._body
        if body is not None:
            body.interrupt()

    def close(self) -> None:
        """Let the connection go."""
        body, self._body = self._body, None
        if body is not None:
            body.close()

    def _ask(self) -> Body:
        # A camera that is slower than the rate is asked again at once, and no more than once.
        self._due_at = max(self._due_at + self._interval_s, time.monotonic() - self._interval_s)
        if self._stopped.wait(max(0.0, self._due_at - time.monotonic())):
            raise SourceError("stopped", where=self._name)
        answer = ask(self._url, name=self._name, tls=self._tls, timeout_s=self._timeout_s)
        return Body(answer, self._name, self._timeout_s)

    def _checked(self, data: bytes) -> bytes:
        """Return a whole picture; an address that never gives one is no camera."""
        try:
            picture = whole_picture(data, self._name)
        except FrameError as error:
            self._damaged += 1
            if self._picture is None or self._damaged >= _MOST_DAMAGED:
                what = f"no whole picture in {self._damaged} answers; {error.problem}"
                raise SourceError(what, where=self._name, remedy="Check the URL.") from None
            raise
        self._damaged = 0
        return picture

    def _read(self, body: Body) -> bytes:
        self._body = body  # so that `interrupt` reaches it
        data, late_at = bytearray(), time.monotonic() + self._timeout_s
        while received := body.receive():
            data += received
            if len(data) > MAX_PICTURE_BYTES:
                raise FrameError(
                    f"no end of a picture within {MAX_PICTURE_BYTES} bytes", where=self._name
                )
            if time.monotonic() >= late_at:
                raise SourceError(f"no whole picture in {self._timeout_s:g} s", where=self._name)
        self._body = None
        return bytes(data)
