"""Reads a GIF's size, and walks its first picture where the trailer is missing (GIF89a)."""

from __future__ import annotations

import struct

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader

__all__ = ["GifHeader", "read_gif"]

_TRAILER, _EXTENSION, _PICTURE = 0x3B, 0x21, 0x2C
_TABLE_BIT = 0x80


class GifHeader(ImageHeader):
    """A GIF's header.

    Args:
        end: Where the last whole block ends, if the trailer is missing though the first picture is
            there; None in a whole file.
    """

    end: int | None = None


def read_gif(data: bytes) -> GifHeader:
    """Read size and soundness."""
    width, height = struct.unpack_from("<HH", data, 6)
    end = None
    if b"\x3b" not in data[-64:]:  # the trailer; some writers pad after it
        end = _end_of_whole_blocks(data)
        if end is None:
            raise ImageError("the file is truncated: the GIF trailer is missing")
    return GifHeader(format=ImageFormat.GIF, height=height, width=width, end=end)


def _end_of_whole_blocks(data: bytes) -> int | None:
    """Return where the last whole picture ends, None if not even one is whole."""
    position, end = 13 + _table(data[10]), None
    try:
        while True:
            block = data[position]
            if block == _PICTURE:
                position += 10
                position = _after_sub_blocks(data, position + _table(data[position - 1]) + 1)
                end = position
            elif block == _EXTENSION:
                position = _after_sub_blocks(data, position + 2)
            else:
                return end
    except IndexError:
        return end


def _table(flags: int) -> int:
    """Return the length in bytes of the colour table that flags announce."""
    return 3 << ((flags & 7) + 1) if flags & _TABLE_BIT else 0


def _after_sub_blocks(data: bytes, position: int) -> int:
    while data[position]:
        position += data[position] + 1
    return position + 1
