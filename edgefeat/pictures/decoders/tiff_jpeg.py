"""The strips or tiles of a TIFF that are JPEGs: each becomes a whole JPEG and is decoded as one.

Adobe's TIFF Technical Note 2. Through libtiff, damage in them would pass in silence.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.errors import ImageError
from edgefeat.pictures.decoders.jpeg import decode_jpeg
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.headers.base import refused
from edgefeat.pictures.headers.jpeg import read_jpeg
from edgefeat.pictures.headers.tiff import Photometric, TiffHeader

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["decode_jpeg_strips"]

_START, _END = b"\xff\xd8", b"\xff\xd9"
_TRANSFORMS = {Photometric.RGB: 0, Photometric.YCBCR: 1}  # as Adobe's marker has them


def decode_jpeg_strips(data: bytes, header: TiffHeader) -> Outcome:
    """Decode all strips or tiles and put them together; the orientation is still to be undone.

    Raises:
        ImageError: One is missing, damaged beyond use, or of another size than the TIFF says.
    """
    if header.extra or header.planar or header.bits != 8:
        raise refused("a TIFF of JPEG strips with more than one plane, alpha or other bits")
    columns = header.columns or header.width
    across = -(-header.width // columns)
    down = -(-header.height // header.rows)
    if min(len(header.offsets), len(header.lengths)) < down * across:
        raise ImageError("the TIFF header is damaged: there are too few strips or tiles")
    out = np.empty((header.height, header.width, 3), np.uint8)
    damage = None
    for index in range(down * across):
        top, left = index // across * header.rows, index % across * columns
        start = header.offsets[index]
        strip = _whole(data[start : start + header.lengths[index]], header)
        part, said = _decoded(strip, header.rows, columns)
        damage = damage or said
        room = out[top : top + header.rows, left : left + columns]
        if part.shape[0] < room.shape[0] or part.shape[1] < room.shape[1]:
            raise ImageError("the file is damaged: a strip or tile has the wrong size")
        room[:] = part[: room.shape[0], : room.shape[1]]
    return Outcome(pixels=out, damage=damage)


def _whole(strip: bytes, header: TiffHeader) -> bytes:
    """Return a strip as a JPEG that needs no TIFF: with tables, and a word on its colours."""
    if strip[:2] != _START:
        raise ImageError("the file is damaged: a strip or tile is no JPEG")
    colours = b""
    if header.photometric in _TRANSFORMS:
        transform = _TRANSFORMS[header.photometric]
        colours = struct.pack(">2sH5s3HB", b"\xff\xee", 14, b"Adobe", 100, 0, 0, transform)
    tables = header.jpeg_tables.removeprefix(_START).removesuffix(_END)
    return b"".join((_START, colours, tables, strip[2:]))


def _decoded(strip: bytes, rows: int, columns: int) -> tuple[Pixels, str | None]:
    found = read_jpeg(strip)
    if found.height > rows or found.width > columns:
        raise ImageError("the file is damaged: a strip or tile has the wrong size")
    outcome = decode_jpeg(strip, found, None)
    return outcome.pixels, outcome.damage
