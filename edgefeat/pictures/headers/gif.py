"""Walks a GIF's blocks: size, transparency, and whether all is there (GIF89a)."""

from __future__ import annotations

import struct

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader

__all__ = ["GifHeader", "read_gif"]

_EXTENSION, _PICTURE, _CONTROL = 0x21, 0x2C, 0xF9
_TABLE_BIT = 0x80


class GifHeader(ImageHeader):
    """A GIF's header.

    Args:
        transparent: Whether the first picture has a transparent colour.
        end: Where the last whole block ends, if the trailer is missing though the first picture is
            there; None in a whole file.
    """

    transparent: bool = False
    end: int | None = None


def read_gif(data: bytes) -> GifHeader:
    """Read size and soundness.

    Raises:
        ImageError: The header is damaged, cut off, or of a kind that is not read.
    """
    width, height = struct.unpack_from("<HH", data, 6)
    end, transparent = _walk(data)
    if b"\x3b" in data[-64:]:  # the trailer; some writers pad after it
        end = None
    elif end is None:
        raise ImageError("the file is truncated: the GIF trailer is missing")
    return GifHeader(
        format=ImageFormat.GIF, height=height, width=width, transparent=transparent, end=end
    )


def _walk(data: bytes) -> tuple[int | None, bool]:
    """Walk the blocks as far as they are whole.

    Returns:
        Where the last whole picture ends (None if not even one is whole), and whether the first one
        has a transparent colour.
    """
    position, end = 13 + _table(data[10]), None
    first = transparent = announced = False
    try:
        while True:
            block = data[position]
            if block == _PICTURE:
                transparent = transparent or (announced and not first)
                first = True
                position += 10
                position = _after_sub_blocks(data, position + _table(data[position - 1]) + 1)
                end = position
            elif block == _EXTENSION:
                if data[position + 1] == _CONTROL and not first:
                    announced = bool(data[position + 3] & 1)
                position = _after_sub_blocks(data, position + 2)
            else:
                break
    except IndexError:
        pass
    return end, transparent


def _table(flags: int) -> int:
    """Return the length in bytes of the colour table that flags announce."""
    return 3 << ((flags & 7) + 1) if flags & _TABLE_BIT else 0


def _after_sub_blocks(data: bytes, position: int) -> int:
    while data[position]:
        position += data[position] + 1
    return position + 1
