"""The bytes of a camera's answer, as they come; a wait for them can be interrupted."""

from __future__ import annotations

import contextlib
import socket

from edgefeat.errors import SourceError
from edgefeat.sources.http.ask import FOREIGN, Answer

__all__ = ["Body"]

_CHUNK = 1 << 16


class Body:
    """Reads the body of one answer.

    Args:
        answer: The answer; closed on `close`.
        name: What the source is called, for messages.
        timeout_s: The time limit of each read.

    Attributes:
        url: Where the answer came from.
    """

    def __init__(self, answer: Answer, name: str, timeout_s: float) -> None:
        self._answer, self._name, self._timeout_s = answer, name, timeout_s
        self.url = answer.url

    def forget_length(self) -> None:
        """Read until the camera closes: some state a length for a stream that has none."""
        if not self._answer.response.chunked:
            self._answer.response.length = None

    def receive(self, most: int = _CHUNK) -> bytes:
        """Wait for bytes; empty at the end.

        Raises:
            SourceError: None came in time, or the connection broke.
        """
        try:
            return self._answer.response.read1(most)
        except TimeoutError:
            problem = f"no bytes for {self._timeout_s:g} s"
            raise SourceError(problem, where=self._name) from None
        except FOREIGN as error:  # ValueError: closed
            problem = f"the connection broke: {_reason(error)}"
            raise SourceError(problem, where=self._name) from None

    def interrupt(self) -> None:
        """Make a waiting `receive` return; called by another thread."""
        with contextlib.suppress(OSError):  # closed already: nothing waits on it
            self._answer.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let the connection go; closing twice is fine."""
        self._answer.close()


def _reason(error: Exception) -> str:
    """Say what went wrong without what may quote the URL."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
