"""The samples of a TIFF as they are stored, whatever its strips, tiles, planes, bits and bands.

libtiff (inside OpenCV) or zlib only unpacks bytes: a file of plain grey strips is written around
the packed ones. What the bytes mean is worked out here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError
from edgefeat.pictures import opencv
from edgefeat.pictures.headers.tiff import Compression, TiffHeader

__all__ = ["read_samples"]

_UNPACKED_HERE = (Compression.NONE, Compression.DEFLATE, Compression.OLD_DEFLATE)
_LONG = 4  # the type of a value of four bytes


def read_samples(data: bytes, header: TiffHeader) -> NDArray[np.integer]:
    """Return the samples, uint8 or uint16 `(height, width, bands)`.

    Raises:
        ImageError: Strips or tiles are missing, cut off or damaged.
    """
    planes = header.bands if header.planar else 1
    per_plane, left = divmod(len(header.offsets), planes)
    down = -(-header.height // header.rows)
    across = -(-header.width // header.columns) if header.columns else 1
    if left or per_plane < down * across or len(header.lengths) < len(header.offsets):
        raise ImageError("the TIFF header is damaged: there are too few strips or tiles")
    found = [
        _plane(data, header, slice(plane * per_plane, plane * per_plane + down * across))
        for plane in range(planes)
    ]
    return found[0] if planes == 1 else np.concatenate(found, axis=2)


def _plane(data: bytes, header: TiffHeader, which: slice) -> NDArray[np.integer]:
    bands = 1 if header.planar else header.bands
    columns = header.columns or header.width
    row_bytes = (columns * bands * header.bits + 7) // 8
    offsets, lengths = header.offsets[which], header.lengths[which]
    rows = len(offsets) * header.rows if header.columns else header.height
    packed = _unpacked(data, header, offsets, lengths, rows, row_bytes)
    values = _values(packed, header, columns * bands).reshape(rows, columns, bands)
    if header.predictor == 2:
        np.cumsum(values, axis=1, dtype=values.dtype, out=values)
        if header.bits not in (8, 16):
            values &= values.dtype.type((1 << header.bits) - 1)
    elif header.predictor != 1:
        raise ImageError(f"a TIFF of predictor {header.predictor}, which is not read")
    if header.columns is None:
        return values
    across = -(-header.width // columns)
    tiles = values.reshape(-1, across, header.rows, columns, bands).swapaxes(1, 2)
    return tiles.reshape(-1, across * columns, bands)[: header.height, : header.width]


def _values(packed: NDArray[np.uint8], header: TiffHeader, count: int) -> NDArray[np.integer]:
    """Return the first `count` values of each row of bytes, writable."""
    bits = header.bits
    if bits == 8:
        return packed[:, :count].copy()
    if bits == 16:
        return packed.view(header.order + "u2")[:, :count].astype(np.uint16)
    kind = np.uint8 if bits < 8 else np.uint16
    values = np.empty((len(packed), count), kind)
    weights = 1 << np.arange(bits - 1, -1, -1, dtype=np.uint16)
    for row, stored in enumerate(packed):  # a row at a time: bits need much memory
        spread = np.unpackbits(stored, count=count * bits).reshape(count, bits)
        values[row] = spread @ weights
    return values


def _unpacked(
    data: bytes,
    header: TiffHeader,
    offsets: Sequence[int],
    lengths: Sequence[int],
    rows: int,
    row_bytes: int,
) -> NDArray[np.uint8]:
    """Return the bytes of strips or tiles one below the other: `(rows, row_bytes)`."""
    if header.fill_order == 1 and header.compression in _UNPACKED_HERE:
        return _unpacked_here(data, header, offsets, lengths, rows, row_bytes)
    return _unpacked_by_opencv(data, header, offsets, lengths, rows, row_bytes)


def _unpacked_here(
    data: bytes,
    header: TiffHeader,
    offsets: Sequence[int],
    lengths: Sequence[int],
    rows: int,
    row_bytes: int,
) -> NDArray[np.uint8]:
    out = np.empty((rows, row_bytes), np.uint8)
    for index, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
        top = index * header.rows
        wanted = min(header.rows, rows - top) * row_bytes
        if header.compression is Compression.NONE:
            part = data[offset : offset + wanted]
        else:
            part = _inflated(data[offset : offset + length], wanted)
        if len(part) < wanted:
            raise ImageError(
                f"the file is truncated or damaged: a strip or tile has {len(part)} bytes of "
                f"{wanted}"
            )
        out[top : top + header.rows] = np.frombuffer(part, np.uint8).reshape(-1, row_bytes)
    return out


def _inflated(packed: bytes, wanted: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, wanted)
    except zlib.error as error:
        raise ImageError(f"the file is damaged: {error}") from error


def _unpacked_by_opencv(
    data: bytes,
    header: TiffHeader,
    offsets: Sequence[int],
    lengths: Sequence[int],
    rows: int,
    row_bytes: int,
) -> NDArray[np.uint8]:
    # Rows of an even number of bytes are called 16-bit: libtiff then needs a quarter of the memory.
    size = 1 if row_bytes % 2 else 2
    start = _grey_strips(header, offsets, lengths, (rows, row_bytes // size), size)
    pixels = opencv.decode(start + data, cv2.IMREAD_UNCHANGED, header).pixels
    if pixels.shape != (rows, row_bytes // size) or pixels.dtype.itemsize != size:
        raise ImageError("the file is damaged: its strips or tiles have an unexpected size")
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(rows, row_bytes)


def _grey_strips(
    header: TiffHeader,
    offsets: Sequence[int],
    lengths: Sequence[int],
    size_hw: tuple[int, int],
    sample_bytes: int,
) -> bytes:
    """Return the beginning of a little-endian TIFF of grey strips; the whole old file follows."""
    tags: dict[int, Sequence[int]] = {
        256: [size_hw[1]],
        257: [size_hw[0]],
        258: [8 * sample_bytes],
        259: [header.compression],
        262: [1],
        266: [header.fill_order],
        273: offsets,
        277: [1],
        278: [header.rows],
        279: lengths,
    }
    directory = 8
    values_at = directory + 2 + 12 * len(tags) + 4
    length = values_at + 8 * len(offsets)
    tags[273] = [offset + length for offset in offsets]
    entries, values = b"", b""
    for tag, numbers in tags.items():
        stored = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(stored) > 4:
            place, values = values_at + len(values), values + stored
            stored = struct.pack("<I", place)
        entries += struct.pack("<HHI", tag, _LONG, len(numbers)) + stored
    head = struct.pack("<2sHIH", b"II", 42, directory, len(tags)) + entries + bytes(4) + values
    return head.ljust(length, b"\0")
