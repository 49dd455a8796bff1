"""Walks a WebP's chunks: size, orientation, and whether all is there (RFC 9649)."""

from __future__ import annotations

import struct

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader, cut_off
from edgefeat.pictures.headers.exif import exif_orientation

__all__ = ["read_webp"]


def read_webp(data: bytes) -> ImageHeader:
    """Read what the chunks say."""
    (riff_length,) = struct.unpack_from("<I", data, 4)
    if riff_length + 8 > len(data):
        raise cut_off(riff_length + 8, len(data))
    height, width = _size(data)
    orientation, position = 1, 12
    while position + 8 <= len(data):
        kind = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        if kind == b"EXIF":
            orientation = exif_orientation(data[position + 8 : position + 8 + length])
        position += 8 + length + (length & 1)
    return ImageHeader(format=ImageFormat.WEBP, height=height, width=width, orientation=orientation)


def _size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return int.from_bytes(data[27:30], "little") + 1, width
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ((bits >> 14) & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return height & 0x3FFF, width & 0x3FFF
    raise ImageError("the WebP header is damaged")
