"""Walks a JPEG's markers up to its first scan, as tolerant as libjpeg (ITU-T T.81, annex B)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader, refused

__all__ = ["JpegHeader", "read_jpeg", "segments"]

_SCAN, _END, _TEM = 0xDA, 0xD9, 0x01
_RESTARTS = range(0xD0, 0xD8)
_NO_FRAME = (0xC4, 0xC8, 0xCC)  # within C0 to CF: tables and an extension
_END_MARKER = b"\xff\xd9"


class JpegHeader(ImageHeader):
    """A JPEG's header.

    Args:
        junk: Stretches of bytes before the first scan that belong to no segment, as (start, end).
            libjpeg skips them with a warning.
    """

    junk: tuple[tuple[int, int], ...] = ()


def read_jpeg(data: bytes) -> JpegHeader:
    """Read size and soundness; the orientation is left to the decoder.

    Raises:
        ImageError: The header is damaged, cut off, or of a kind that is not read.
    """
    size: tuple[int, int] | None = None
    junk: list[tuple[int, int]] = []
    position = 2
    for marker, start, end in segments(data):
        if start != position:
            junk.append((position, start))
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            size = _frame(data, start + 2)
        position = end
    if size is None:
        raise ImageError("the JPEG header gives no size")
    # Entropy-coded data never holds FF D9, so its absence means the picture was cut off.
    if data.rfind(_END_MARKER, position) < 0:
        raise ImageError("the file is truncated: the JPEG end marker is missing")
    return JpegHeader(format=ImageFormat.JPEG, height=size[0], width=size[1], junk=tuple(junk))


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each segment up to the first scan's header: its marker, and where it starts and ends.

    Raises:
        ImageError: The header is damaged, or there is no scan.
    """
    position, marker = 2, 0
    while marker != _SCAN:  # entropy-coded data follows
        if position + 4 > len(data):
            raise ImageError("the file is truncated: the JPEG header has no end")
        marker = data[position + 1]
        if data[position] == 0xFF and 0 < marker < 0xFF:
            body = position + 2
        else:
            body, marker = _next_marker(data, position)
        length = 0
        if marker == _END:
            raise ImageError("the JPEG header ends before the picture")
        if marker not in _RESTARTS and marker != _TEM:
            length = int.from_bytes(data[body : body + 2], "big")
            if length < 2:
                raise ImageError("the JPEG header is damaged")
        position = body + length
        yield marker, body - 2, position


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """Return the place after the next marker, and the marker's second byte.

    Anything that is no FF is passed over, and so is FF 00; more FFs before the marker are fill.
    """
    while True:
        position = data.find(b"\xff", position)
        if position < 0:
            raise ImageError("the file is truncated: the JPEG header has no end")
        while data[position : position + 1] == b"\xff":
            position += 1
        if data[position : position + 1] > b"\0":
            return position + 1, data[position]


def _frame(data: bytes, position: int) -> tuple[int, int]:
    if position + 8 > len(data):
        raise ImageError("the file is truncated: the JPEG header has no end")
    bits, height, width, components = struct.unpack_from(">BHHB", data, position + 2)
    if bits != 8:
        raise refused(f"a JPEG of {bits} bits a sample")
    if components not in (1, 3, 4):
        raise refused(f"a JPEG of {components} components")
    return height, width
