"""A Matroska file with one track of video, made packet by packet as they come.

It is how packets that one VideoCapture took off the network reach another one that decodes them.
Each packet is a cluster of its own, so nothing has to be known of the next one. Elements and their
numbers: RFC 9559.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["CODECS", "head", "head_by_fourcc", "packet_at"]

# Matroska's names of what OpenCV calls by four letters.
CODECS = {
    "h264": "V_MPEG4/ISO/AVC",
    "avc1": "V_MPEG4/ISO/AVC",
    "hevc": "V_MPEGH/ISO/HEVC",
    "hev1": "V_MPEGH/ISO/HEVC",
    "hvc1": "V_MPEGH/ISO/HEVC",
    "mpg1": "V_MPEG1",
    "mpg2": "V_MPEG2",
    "fmp4": "V_MPEG4/ISO/ASP",
    "mp4v": "V_MPEG4/ISO/ASP",
    "xvid": "V_MPEG4/ISO/ASP",
    "vp80": "V_VP8",
    "vp90": "V_VP9",
    "mjpg": "V_MJPEG",
}
_TICK_NS = 1_000_000_000
_VIDEO = 1
_OF_ANY_LENGTH = b"\x01\xff\xff\xff\xff\xff\xff\xff"
_TRACK_AND_KEY = b"\x81\x00\x00\x80"  # the first track, at the cluster's own time


def head(codec: str) -> bytes:
    """Return the file's beginning, for packets that say themselves what they are.

    Args:
        codec: Four letters, in lower case; one of `CODECS`.
    """
    return _head(_element("86", CODECS[codec].encode()))


def head_by_fourcc(fourcc: bytes, size_hw: SizeHw, extradata: bytes) -> bytes:
    """Return the file's beginning, for a codec without a name of Matroska's.

    Args:
        fourcc: Four letters, as they are in the stream that the packets come from.
        size_hw: Height and width of the frames.
        extradata: What the decoder needs beside packets.
    """
    height, width = size_hw
    bitmap_header = struct.pack("<IiiHH4s20x", 40, width, height, 1, 24, fourcc)
    return _head(
        _element("86", b"V_MS/VFW/FOURCC")
        + _element("63a2", bitmap_header + extradata)
        + _element("e0", _number("b0", width) + _number("ba", height))
    )


def packet_at(ticks: int, packet: bytes) -> bytes:
    """Return what a packet adds to the file.

    Args:
        ticks: Time of the packet in seconds, from 0 to 2 to the 63rd.
        packet: What a decoder takes at once.
    """
    block = _element("a3", _TRACK_AND_KEY + packet)
    return _element("1f43b675", _number("e7", ticks) + block)


def _head(codec: bytes) -> bytes:
    track = _number("d7", 1) + _number("73c5", 1) + _number("83", _VIDEO) + codec
    return (
        _element("1a45dfa3", _element("4282", b"matroska"))
        + bytes.fromhex("18538067")
        + _OF_ANY_LENGTH
        + _element("1549a966", _number("2ad7b1", _TICK_NS))
        + _element("1654ae6b", _element("ae", track))
    )


def _number(name: str, value: int) -> bytes:
    return _element(name, struct.pack(">Q", value))


def _element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + struct.pack(">Q", 1 << 56 | len(content)) + content
