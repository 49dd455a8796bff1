"""The size of each frame of a recording, beside a decoder that tells none.

OpenCV fixes the size of its pictures when it opens a video, and stretches what has another one.
Packets that are not decoded cost little: so the same recording is read a second time, packet by
packet, and only where a key frame's parameters change is its size looked up.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import cv2

from edgefeat.sources.decoders.stated_size import size_of, stating_part

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["PacketSizes"]

_AHEAD = 64  # packets: more than any codec moves a frame for its order of display


class PacketSizes:
    """Reads a recording's packets, in step with a decoder that reads its frames.

    Args:
        capture: The recording, opened for packets; released on `release`.
        codec: Four letters, in lower case.
    """

    def __init__(self, capture: cv2.VideoCapture, codec: str) -> None:
        self._capture, self._codec = capture, codec
        self._packets: deque[tuple[float, SizeHw | None]] = deque()
        self._first = self._next = 0  # numbers of the first packet kept, and of the one expected
        self._ended = False
        self._stated = b""
        self._size: SizeHw | None = None

    def of(self, pts: float) -> SizeHw | None:
        """Return height and width of the next frame that the decoder gave; None if not known.

        Frames come in another order than packets, and a damaged packet gives none. So a frame's
        packet is the one with its time that is nearest to where it is expected.

        Args:
            pts: The frame's time as the container states it.
        """
        while not self._ended and self._first + len(self._packets) < self._next + _AHEAD:
            self._read_packet()
        found = [n for n, (time, _) in enumerate(self._packets, self._first) if time == pts]
        at = min(found, key=lambda n: abs(n - self._next), default=self._next)
        self._next = at + 1
        place = at - self._first
        size = self._packets[place][1] if 0 <= place < len(self._packets) else None
        while len(self._packets) > 2 * _AHEAD:
            self._packets.popleft()
            self._first += 1
        return size

    def release(self) -> None:
        """Let the recording go."""
        self._capture.release()

    def _read_packet(self) -> None:
        if not self._capture.grab():
            self._ended = True
            return
        if self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME):
            _, packet = self._capture.retrieve()
            self._note_size(packet.tobytes())
        self._packets.append((self._capture.get(cv2.CAP_PROP_PTS), self._size))

    def _note_size(self, packet: bytes) -> None:
        stated = stating_part(self._codec, packet, is_key=True)
        if stated and stated != self._stated:
            self._stated = stated
            self._size = size_of(self._codec, packet) or self._size
