"""The picture sizes that a recording's packets state, read beside a decoder that tells none.

OpenCV fixes the size of its pictures when it opens a video, and stretches what has another one.
Packets that are not decoded cost little: so the same file is read a second time, packet by packet,
and only where a key frame's parameters change is its size looked up.
"""

from __future__ import annotations

import io
from collections import deque
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["PacketSizes"]

_AHEAD = 64  # packets: more than any codec moves a frame for its order of display
_START = b"\x00\x00\x01"
# Which unit of a packet states the size: a mask for the byte after the start code, and its values.
_STATING = {
    "h264": (0x1F, range(7, 8)),
    "avc1": (0x1F, range(7, 8)),
    "hevc": (0x7E, range(66, 67)),
    "hev1": (0x7E, range(66, 67)),
    "hvc1": (0x7E, range(66, 67)),
    "mpg1": (0xFF, range(0xB3, 0xB4)),
    "mpg2": (0xFF, range(0xB3, 0xB4)),
    "fmp4": (0xFF, range(0x20, 0x30)),
    "mp4v": (0xFF, range(0x20, 0x30)),
    "xvid": (0xFF, range(0x20, 0x30)),
}
_IVF = {"vp80": b"VP80", "vp90": b"VP90"}
_JPEG = ("mjpg",)
_LONGEST_UNIT = 512


class PacketSizes:
    """Reads a file's packets, in step with a decoder that reads its frames.

    Args:
        capture: The file, opened for packets; released on `release`.
        codec: Four letters, in lower case.
    """

    def __init__(self, capture: cv2.VideoCapture, codec: str) -> None:
        self._capture, self._codec = capture, codec
        self._packets: deque[tuple[float, SizeHw | None]] = deque()
        self._first = self._next = 0  # numbers of the first packet kept, and of the one expected
        self._ended = False
        self._stated = b""
        self._size: SizeHw | None = None

    @classmethod
    def open(cls, path: str, codec: str) -> PacketSizes | None:
        """Open a file; None if sizes cannot be told for it.

        Args:
            path: The file.
            codec: Four letters.
        """
        codec = codec.lower()
        if codec not in _STATING and codec not in _IVF and codec not in _JPEG:
            return None
        capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG, [cv2.CAP_PROP_FORMAT, -1])
        if not capture.isOpened():
            capture.release()
            return None
        return cls(capture, codec)

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
        """Let the file go."""
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
        stated = self._stating_part(packet)
        if stated and stated != self._stated:
            self._stated = stated
            whole = _in_ivf(packet, _IVF[self._codec]) if self._codec in _IVF else packet
            self._size = _size_of(whole) or self._size

    def _stating_part(self, packet: bytes) -> bytes:
        """Return the bytes of a key frame that its size follows from."""
        if self._codec in _JPEG:
            at = max(packet.find(b"\xff\xc0\x00\x11"), packet.find(b"\xff\xc1\x00\x11"))
            return packet[at : at + 9] if at >= 0 else b""
        if self._codec in _IVF:
            return packet[:16]
        mask, values = _STATING[self._codec]
        at = packet.find(_START)
        while 0 <= at < len(packet) - len(_START):
            end = packet.find(_START, at + len(_START))
            if packet[at + len(_START)] & mask in values:
                return packet[at : end if end >= 0 else at + _LONGEST_UNIT]
            at = end
        return b""


def _size_of(packet: bytes) -> SizeHw | None:
    """Return height and width of a key frame, as OpenCV opens it."""
    file = io.BytesIO(packet)  # kept here: OpenCV would free it without Python's lock, and crash
    capture = cv2.VideoCapture(file, cv2.CAP_FFMPEG, [])  # type: ignore[call-overload]
    try:
        if not capture.isOpened():
            return None
        return (
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        )
    finally:
        capture.release()


def _in_ivf(packet: bytes, codec: bytes) -> bytes:
    """Return a file of one frame, in the container that VP8 and VP9 have for raw frames."""
    header = b"DKIF\0\0\x20\0" + codec + bytes(4) + b"\x19\0\0\0\1\0\0\0\1\0\0\0" + bytes(4)
    return header + len(packet).to_bytes(4, "little") + bytes(8) + packet
