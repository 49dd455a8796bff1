"""Finds where a JPEG ends in bytes that are still coming, and cuts pictures that follow each other.

The marker of the end also stands inside the thumbnails that cameras put into the header. So the
segments are walked by their lengths, as ITU-T T.81, annex B, has them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from edgefeat.sources.base import FrameError

__all__ = ["MAX_PICTURE_BYTES", "START_OF_JPEG", "JpegCutter", "JpegEnd"]

MAX_PICTURE_BYTES = 64 * 2**20
START_OF_JPEG = b"\xff\xd8\xff"
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA
_WITHOUT_LENGTH = frozenset([0x01, *range(0xD0, 0xD9)])  # restarts, the start, TEM
_IN_SCAN = frozenset([0x00, *range(0xD0, 0xD8)])  # a stuffed byte, restarts


class JpegEnd:
    """Looks for the end of the JPEG at the start of a growing buffer; starts where it stopped."""

    def __init__(self) -> None:
        self._at = 0
        self._in_scan = False

    def find(self, buffer: bytearray) -> int | None:
        """Return the place after the end, or None if it has not come yet.

        Bytes that are no JPEG end at the first marker of an end.
        """
        while True:
            if self._in_scan:
                self._at = self._after_scan(buffer)
            if self._at + 4 > len(buffer) and buffer[self._at : self._at + 2] != b"\xff\xd9":
                return None
            marker = buffer[self._at + 1]
            if buffer[self._at] != 0xFF:
                self._in_scan = True  # not what it should be: look for the next marker
            elif marker == 0xFF:
                self._at += 1  # a fill byte
            elif marker == _END_OF_IMAGE:
                return self._at + 2
            elif marker in _WITHOUT_LENGTH:
                self._at += 2
            else:
                self._at += 2 + int.from_bytes(buffer[self._at + 2 : self._at + 4], "big")
                self._in_scan = marker == _START_OF_SCAN
                if self._at > len(buffer):
                    return None

    def _after_scan(self, buffer: bytearray) -> int:
        """Return where the scan's next marker stands, or as far as it was looked for."""
        at = self._at
        while 0 <= (at := buffer.find(b"\xff", at)) < len(buffer) - 1:
            if buffer[at + 1] not in _IN_SCAN and buffer[at + 1] != 0xFF:
                self._in_scan = False
                return at
            at += 1
        return len(buffer) if at < 0 else at


class JpegCutter:
    """Cuts JPEGs that follow each other without anything that says where one ends.

    Args:
        receive: Waits for and returns the next bytes; empty at the end of the stream.
        start: What was received already.
    """

    def __init__(self, receive: Callable[[], bytes], start: bytes = b"") -> None:
        self._receive, self._buffer = receive, bytearray(start)

    def next_picture(self) -> tuple[bytes, float] | None:
        """Wait for the next whole picture; None at the end.

        Returns:
            The picture, and `time.monotonic()` when its first bytes had come.

        Raises:
            FrameError: The last picture is cut off, or one is too long.
        """
        while (start := self._buffer.find(START_OF_JPEG)) < 0:
            del self._buffer[: max(0, len(self._buffer) - len(START_OF_JPEG) + 1)]
            if not self._more():
                return None
        del self._buffer[:start]
        arrived_at, end = time.monotonic(), JpegEnd()
        while (at := end.find(self._buffer)) is None:
            if len(self._buffer) > MAX_PICTURE_BYTES:
                self._buffer.clear()
                raise FrameError(f"no end of a picture within {MAX_PICTURE_BYTES} bytes")
            if not self._more():
                size = len(self._buffer)
                self._buffer.clear()
                raise FrameError(f"the last picture is cut off after {size} bytes")
        picture = bytes(self._buffer[:at])
        del self._buffer[:at]
        return picture, arrived_at

    @property
    def rest(self) -> bytes:
        """What was received after the last picture."""
        return bytes(self._buffer)

    def _more(self) -> bool:
        received = self._receive()
        self._buffer += received
        return bool(received)
