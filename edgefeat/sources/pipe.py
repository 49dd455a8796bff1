"""The bytes of a pipe or file, as they come, each wait with a time limit."""

from __future__ import annotations

import os
import select

from edgefeat.errors import SourceError

__all__ = ["Pipe"]

_CHUNK = 1 << 20


class Pipe:
    """Reads a descriptor, which stays the caller's.

    Args:
        descriptor: What to read.
        name: What the source is called, for messages.
        timeout_s: Longest wait for bytes.
    """

    def __init__(self, descriptor: int, name: str, timeout_s: float) -> None:
        self._descriptor, self._name, self._timeout_s = descriptor, name, timeout_s
        self._ahead = bytearray()

    def peek(self, size: int) -> bytes:
        """Return the next bytes without taking them; fewer at the end."""
        while len(self._ahead) < size:
            buffer = bytearray(size - len(self._ahead))
            got = self._into(memoryview(buffer))
            if got == 0:
                break
            self._ahead += buffer[:got]
        return bytes(self._ahead[:size])

    def fill(self, buffer: bytearray) -> int:
        """Fill a buffer; return how many bytes came, which are fewer at the end.

        Raises:
            SourceError: No bytes came in time.
        """
        view = memoryview(buffer)
        filled = min(len(self._ahead), len(buffer))
        view[:filled] = self._ahead[:filled]
        del self._ahead[:filled]
        while filled < len(buffer):
            got = self._into(view[filled : filled + _CHUNK])
            if got == 0:
                break
            filled += got
        return filled

    def read(self, size: int) -> bytes:
        """Return so many bytes; fewer at the end."""
        buffer = bytearray(size)
        return bytes(buffer[: self.fill(buffer)])

    def receive(self) -> bytes:
        """Return what has come, at least one byte; empty at the end."""
        if self._ahead:
            taken, self._ahead = bytes(self._ahead), bytearray()
            return taken
        buffer = bytearray(1 << 16)
        return bytes(buffer[: self._into(memoryview(buffer))])

    def _into(self, view: memoryview) -> int:
        ready, _, _ = select.select([self._descriptor], [], [], self._timeout_s)
        if not ready:
            raise SourceError(
                f"no bytes for {self._timeout_s:g} s",
                where=self._name,
                remedy="Check the program that writes them, or raise {option}.",
                option="timeout_s",
            )
        return os.readv(self._descriptor, [view])
