"""Where a packet of video states the size of its frames, and what that size is.

OpenCV fixes the size of its pictures when it opens a video. A packet that states a size is cheap to
find; what it states is left to OpenCV, which opens that packet as a video of its own.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from edgefeat.sources.decoders import one_track
from edgefeat.sources.decoders.base import CannotOpenError
from edgefeat.sources.decoders.ffmpeg_capture import ffmpeg_capture, size_of_capture

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["size_of", "stating_part"]

_START = b"\x00\x00\x01"
# Which unit of a packet states the size: a mask for the byte after the start code, and its values.
_UNITS = {
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
_LONGEST_UNIT = 512
_JPEG_FRAME = re.compile(rb"\xff[\xc0-\xc2]\x00[\x0b\x11].{5}", re.DOTALL)
_IN_KEY_FRAMES, _VP_HEADER_BYTES = ("vp80", "vp90"), 16


def stating_part(codec: str, packet: bytes, *, is_key: bool) -> bytes:
    """Return the bytes that the size of a packet's frames follows from; empty if there are none.

    Args:
        codec: Four letters, in lower case.
        packet: One packet.
        is_key: Whether it is marked as a key frame.
    """
    if codec == "mjpg":
        found = _JPEG_FRAME.findall(packet)  # a thumbnail in the header comes before
        return found[-1] if found else b""
    if codec in _IN_KEY_FRAMES:
        return packet[:_VP_HEADER_BYTES] if is_key else b""
    if codec not in _UNITS:
        return b""
    mask, values = _UNITS[codec]
    at = packet.find(_START)
    while 0 <= at < len(packet) - len(_START):
        end = packet.find(_START, at + len(_START))
        if packet[at + len(_START)] & mask in values:
            return packet[at : end if end >= 0 else at + _LONGEST_UNIT]
        at = end
    return b""


def size_of(codec: str, packet: bytes) -> SizeHw | None:
    """Return height and width of a key frame, as OpenCV opens it; None if it cannot.

    Args:
        codec: Four letters, in lower case; one of `one_track.CODECS`.
        packet: A packet with a frame and what states its size.
    """
    file = io.BytesIO(one_track.head(codec) + one_track.packet_at(1, packet))
    try:
        capture = ffmpeg_capture(file, {})
    except CannotOpenError:
        return None
    height, width = size_of_capture(capture)
    capture.release()
    return (height, width) if height > 0 and width > 0 else None
