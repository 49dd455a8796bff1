"""Walks a PNG's chunks: size, colours, transparency, orientation, and whether all is there.

PNG specification, third edition.
"""

from __future__ import annotations

import struct
import zlib

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.headers.exif import exif_orientation

__all__ = ["GREY", "PALETTE", "PngHeader", "read_png"]

GREY, PALETTE = 0, 3  # colour types
_ALPHA_BIT = 4  # a bit of the colour type
_FIRST_CHUNK = 8
_INFLATED_AT_ONCE = 2**16


class PngHeader(ImageHeader):
    """A PNG's header.

    Args:
        bits: A sample's.
        colour_type: 0 grey, 2 colour, 3 palette, 4 grey with alpha, 6 colour with alpha.
        transparent: The body of the tRNS chunk: which colours are transparent; None without one.
        end: Where the last whole chunk ends, if the end chunk is missing though every pixel is
            there; None in a whole file.
    """

    bits: int
    colour_type: int
    transparent: bytes | None = None
    end: int | None = None

    @property
    def has_alpha(self) -> bool:
        """Whether some pixels may be transparent."""
        return bool(self.colour_type & _ALPHA_BIT) or self.transparent is not None


def read_png(data: bytes) -> PngHeader:
    """Read what the chunks say.

    Raises:
        ImageError: The header is damaged, cut off, or of a kind that is not read.
    """
    if data[12:16] != b"IHDR":
        raise ImageError("the PNG header is damaged")
    width, height, bits, colour_type = struct.unpack_from(">IIBB", data, 16)
    orientation, transparent, end = 1, None, None
    position, kind, seen = _FIRST_CHUNK, b"", False
    while kind != b"IEND":
        length = int.from_bytes(data[position : position + 4], "big")
        if position + 12 + length > len(data):
            if not (seen and _pixels_end_before(data, position)):
                raise ImageError("the file is truncated: the PNG end chunk is missing")
            end = position
            break
        kind = data[position + 4 : position + 8]
        if kind == b"eXIf":
            orientation = exif_orientation(data[position + 8 : position + 8 + length])
        elif kind == b"tRNS" and not seen:
            transparent = data[position + 8 : position + 8 + length]
        seen = seen or kind == b"IDAT"
        position += 12 + length
    return PngHeader(
        format=ImageFormat.PNG,
        height=height,
        width=width,
        orientation=orientation,
        bits=bits,
        colour_type=colour_type,
        transparent=transparent,
        end=end,
    )


def _pixels_end_before(data: bytes, end: int) -> bool:
    """Return whether the compressed pixels come to their end in the chunks before a place."""
    inflate = zlib.decompressobj()
    position = _FIRST_CHUNK
    try:
        while position < end and not inflate.eof:
            length = int.from_bytes(data[position : position + 4], "big")
            if data[position + 4 : position + 8] == b"IDAT":
                rest = data[position + 8 : position + 8 + length]
                while rest and not inflate.eof:
                    inflate.decompress(rest, _INFLATED_AT_ONCE)
                    rest = inflate.unconsumed_tail
            position += 12 + length
    except zlib.error:
        return False
    return inflate.eof
