"""Walks the boxes of an AVIF or HEIC: the first picture's size, and how it is turned.

ISO/IEC 14496-12 (boxes), 23008-12 (HEIF) and the AVIF specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader

__all__ = ["AvifHeader", "boxes_of", "read_avif", "read_heic"]

_MOST_BOXES = 10_000
# Of (quarter turns anticlockwise, mirror: None, 0 top to bottom, 1 left to right): Exif's value.
_TURNED = {
    (0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
    (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7,
    (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5,
}  # fmt: skip


class AvifHeader(ImageHeader):
    """An AVIF's header.

    Args:
        bits: Number of bits in a sample: 8, 10 or 12.
    """

    bits: int


def read_avif(data: bytes) -> AvifHeader:
    """Read size, depth and orientation; OpenCV undoes neither turn nor mirror."""
    height, width, orientation, bits = _first_picture(data)
    return AvifHeader(
        format=ImageFormat.AVIF, height=height, width=width, orientation=orientation, bits=bits
    )


def read_heic(data: bytes) -> ImageHeader:
    """Read the size; libheif undoes turn and mirror itself."""
    height, width, _, _ = _first_picture(data)
    return ImageHeader(format=ImageFormat.HEIC, height=height, width=width)


def _first_picture(data: bytes) -> tuple[int, int, int, int]:
    meta = _find(data, 0, len(data), b"meta")
    if meta is None:
        raise ImageError("a film or a damaged file: there is no still picture in it")
    start, end = meta[0] + 4, meta[1]
    primary = _find(data, start, end, b"pitm")
    properties = _find(data, start, end, b"iprp")
    if primary is None or properties is None:
        raise ImageError("the header is damaged: it has no first picture")
    item = int.from_bytes(data[primary[0] + 4 : primary[1]][:4], "big")
    if data[primary[0]] == 0:
        item = int.from_bytes(data[primary[0] + 4 : primary[0] + 6], "big")
    container = _find(data, *properties, b"ipco")
    links = _find(data, *properties, b"ipma")
    if container is None or links is None:
        raise ImageError("the header is damaged: it has no first picture")
    boxes = list(boxes_of(data, *container))
    of_item = [boxes[index - 1] for index in _links(data, *links, item) if 0 < index <= len(boxes)]
    return (*_size_and_turn(data, of_item, boxes), _bits(data, of_item))


def _size_and_turn(
    data: bytes, of_item: list[tuple[bytes, int, int]], boxes: list[tuple[bytes, int, int]]
) -> tuple[int, int, int]:
    height = width = turns = 0
    mirror: int | None = None
    for kind, start, _ in of_item:
        if kind == b"ispe":
            width, height = struct.unpack_from(">II", data, start + 4)
        elif kind == b"irot":
            turns = data[start] & 3
        elif kind == b"imir":
            mirror = data[start] & 1
    # A hostile file may hold a larger picture as a part of a small one.
    for kind, start, _ in boxes:
        if kind == b"ispe":
            other_width, other_height = struct.unpack_from(">II", data, start + 4)
            if other_width * other_height > 4 * max(width * height, 2**20):
                height, width = other_height, other_width
    return height, width, _TURNED[turns, mirror]


def _bits(data: bytes, of_item: list[tuple[bytes, int, int]]) -> int:
    """Return the depth that AV1's configuration names (box `av1C`), 8 without one."""
    for kind, start, _ in of_item:
        if kind == b"av1C" and data[start + 2] & 0x40:
            return 12 if data[start + 2] & 0x20 else 10
    return 8


def boxes_of(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box's kind, and where its body starts and ends.

    Args:
        data: Bytes of the file.
        start: Place of the first box.
        end: Place behind the last box.

    Raises:
        ImageError: The header is damaged, cut off, or of a kind that is not read.
    """
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, body)
            body += 8
        elif length == 0:  # to the end
            length = end - start
        if length < body - start:
            raise ImageError("the header is damaged: a box of an impossible size")
        yield kind, body, min(start + length, end)
        start += length


def _find(data: bytes, start: int, end: int, kind: bytes) -> tuple[int, int] | None:
    return next(((a, b) for name, a, b in boxes_of(data, start, end) if name == kind), None)


def _links(data: bytes, start: int, end: int, wanted: int) -> list[int]:
    """Return the numbers, from 1, of the properties that belong to an item (box `ipma`)."""
    version, flags = data[start], data[start + 3]
    (count,) = struct.unpack_from(">I", data, start + 4)
    place = start + 8
    for _ in range(min(count, _MOST_BOXES)):
        if place >= end:
            break
        (item,) = struct.unpack_from(">H" if version < 1 else ">I", data, place)
        place += 2 if version < 1 else 4
        links, place = data[place], place + 1
        step = 2 if flags & 1 else 1
        if item == wanted:
            mask = 0x7FFF if flags & 1 else 0x7F
            parts = range(place, place + step * links, step)
            return [int.from_bytes(data[at : at + step], "big") & mask for at in parts]
        place += step * links
    return []
