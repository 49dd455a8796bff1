"""The orientation in an Exif block: how a picture is to be turned (Exif 2.32, tag 0x0112)."""

from __future__ import annotations

import struct

__all__ = ["exif_orientation"]

_ORIENTATION, _SHORT, _LONG = 274, 3, 4


def exif_orientation(block: bytes) -> int:
    """Return the orientation, 1 to 8; 1 where the block is absent or damaged (it is only advice).

    Args:
        block: An Exif block from its byte order on, with or without `Exif` and two zeros before.
    """
    if block[:4] == b"Exif":
        block = block[6:]
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, directory)
        for index in range(count):
            entry = directory + 2 + 12 * index
            tag, kind, length = struct.unpack_from(order + "HHI", block, entry)
            if tag == _ORIENTATION and length == 1 and kind in (_SHORT, _LONG):
                form = order + ("H" if kind == _SHORT else "I")
                (value,) = struct.unpack_from(form, block, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
