"""Unpacks the strips or tiles of a TIFF to bytes: by zlib, or by libtiff inside OpenCV.

OpenCV has no door to libtiff's unpacking alone. So a file of grey strips is written around the
packed ones, which unpack to the same bytes whatever these mean.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.errors import ImageError
from edgefeat.pictures import opencv
from edgefeat.pictures.headers.tiff import Compression, TiffHeader
from edgefeat.record import Record

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["Strips", "unpacked"]

_BITS_TURNED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_BY_LIBTIFF = (Compression.LZW, Compression.PACKBITS)
_LONG = 4  # the type of a value of four bytes
_MOST_COLUMNS = 2**20  # that OpenCV takes


class Strips(Record):
    """Strips, or tiles, which unpack to equally long rows of bytes.

    Args:
        offsets: Where each begins in the file.
        lengths: Packed bytes of each.
        rows_each: Rows of each but the last, which may have fewer.
        rows: Rows of all together.
        row_bytes: Bytes of a row.
    """

    offsets: tuple[int, ...]
    lengths: tuple[int, ...]
    rows_each: int
    rows: int
    row_bytes: int


def unpacked(data: bytes, header: TiffHeader, strips: Strips) -> Pixels:
    """Return all rows of bytes, uint8 `(rows, row_bytes)`.

    Args:
        data: The whole file.
        header: What is known of it: its compression counts here.
        strips: Where the packed bytes stand, and how many rows they make.

    Raises:
        ImageError: Bytes are missing or damaged.
    """
    if header.compression not in _BY_LIBTIFF:
        return _by_zlib(data, header, strips)
    if strips.row_bytes % 2:
        return _odd_by_libtiff(data, header, strips)
    shape = strips.rows, strips.row_bytes
    return _grey(data, header, strips, columns=strips.row_bytes // 2, bits=16).reshape(shape)


def _by_zlib(data: bytes, header: TiffHeader, strips: Strips) -> Pixels:
    out = np.empty((strips.rows, strips.row_bytes), np.uint8)
    for index, (offset, length) in enumerate(zip(strips.offsets, strips.lengths, strict=True)):
        top = index * strips.rows_each
        wanted = min(strips.rows_each, strips.rows - top) * strips.row_bytes
        # Some writers get the length of plain bytes wrong: as many are taken as are needed.
        plain = header.compression is Compression.NONE
        part = data[offset : offset + (wanted if plain else length)]
        if header.fill_order == 2:
            part = part.translate(_BITS_TURNED)
        if not plain:
            part = _inflated(part, wanted)
        if len(part) < wanted:
            raise ImageError(
                f"the file is truncated or damaged: a strip or tile has {len(part)} bytes of "
                f"{wanted}"
            )
        rows = np.frombuffer(part, np.uint8).reshape(-1, strips.row_bytes)
        out[top : top + strips.rows_each] = rows
    return out


def _inflated(packed: bytes, wanted: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, wanted)
    except zlib.error as error:
        raise ImageError(f"the file is damaged: {error}") from error


def _odd_by_libtiff(data: bytes, header: TiffHeader, strips: Strips) -> Pixels:
    """Unpack rows of an odd number of bytes.

    As 8-bit grey, OpenCV gives them but says nothing of damage, which leaves zeros. So they are
    unpacked once more as 16-bit grey of another shape, where it does: all but a strip's last byte,
    or the last row of a strip of more than 2 MB.
    """
    out = _grey(data, header, strips, columns=strips.row_bytes, bits=8)
    out = out.reshape(strips.rows, strips.row_bytes)
    for part in _equally_long(strips):
        pairs = part.rows_each * part.row_bytes // 2
        rows = 1 if pairs <= _MOST_COLUMNS else part.rows_each // 2
        columns = pairs if rows == 1 else part.row_bytes
        if columns and rows:
            again = Strips(
                offsets=part.offsets,
                lengths=part.lengths,
                rows_each=rows,
                rows=rows * len(part.offsets),
                row_bytes=2 * columns,
            )
            _grey(data, header, again, columns=columns, bits=16)
    return out


def _equally_long(strips: Strips) -> list[Strips]:
    """Return the strips that are full, and the last one if it is shorter."""
    full, rest = divmod(strips.rows, strips.rows_each)
    parts = [(slice(0, full), strips.rows_each)] if full else []
    if rest:
        parts.append((slice(full, full + 1), rest))
    return [
        Strips(
            offsets=strips.offsets[which],
            lengths=strips.lengths[which],
            rows_each=rows,
            rows=rows * len(strips.offsets[which]),
            row_bytes=strips.row_bytes,
        )
        for which, rows in parts
    ]


def _grey(data: bytes, header: TiffHeader, strips: Strips, *, columns: int, bits: int) -> Pixels:
    """Return what OpenCV makes of the strips as grey, as bytes.

    As 16-bit grey it takes bytes as they are, needs a quarter of the memory, and notices damage.
    """
    start = _grey_file(header, strips, columns, bits)
    pixels = opencv.decode(start + data, cv2.IMREAD_UNCHANGED, header).pixels
    if pixels.shape != (strips.rows, columns) or pixels.dtype.itemsize * 8 != bits:
        raise ImageError("the file is damaged: its strips or tiles have an unexpected size")
    return np.ascontiguousarray(pixels).view(np.uint8).ravel()


def _grey_file(header: TiffHeader, strips: Strips, columns: int, bits: int) -> bytes:
    """Return the beginning of a little-endian TIFF of grey strips; the whole old file follows."""
    tags: dict[int, Sequence[int]] = {
        256: [columns],
        257: [strips.rows],
        258: [bits],
        259: [header.compression],
        262: [1],
        266: [header.fill_order],
        273: strips.offsets,
        277: [1],
        278: [strips.rows_each],
        279: strips.lengths,
    }
    values_at = 8 + 2 + 12 * len(tags) + 4
    length = values_at + 8 * len(strips.offsets)
    tags[273] = [offset + length for offset in strips.offsets]
    entries, values = b"", b""
    for tag, numbers in tags.items():
        stored = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(stored) > 4:
            place, values = values_at + len(values), values + stored
            stored = struct.pack("<I", place)
        entries += struct.pack("<HHI", tag, _LONG, len(numbers)) + stored
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(4) + values
    return head.ljust(length, b"\0")
