"""The samples of a TIFF as they are stored, whatever its strips, tiles, planes, bits and bands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgefeat.errors import ImageError
from edgefeat.pictures.decoders.tiff_strips import Strips, unpacked
from edgefeat.pictures.headers.tiff import TiffHeader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgefeat.arrays import Pixels

__all__ = ["read_samples"]


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
    strips = Strips(
        offsets=header.offsets[which],
        lengths=header.lengths[which],
        rows_each=header.rows,
        rows=len(header.offsets[which]) * header.rows if header.columns else header.height,
        row_bytes=(columns * bands * header.bits + 7) // 8,
    )
    values = _values(unpacked(data, header, strips), header, columns * bands)
    values = values.reshape(strips.rows, columns, bands)
    if header.predictor == 2:
        if not values.flags.writeable:
            values = values.copy()
        np.cumsum(values, axis=1, dtype=values.dtype, out=values)
        if header.bits not in (8, 16):
            values &= values.dtype.type((1 << header.bits) - 1)
    if header.columns is None:
        return values
    across = -(-header.width // columns)
    tiles = values.reshape(-1, across, header.rows, columns, bands).swapaxes(1, 2)
    return tiles.reshape(-1, across * columns, bands)[: header.height, : header.width]


def _values(rows: Pixels, header: TiffHeader, count: int) -> NDArray[np.integer]:
    """Return the first `count` values of each row of bytes."""
    bits = header.bits
    if bits == 8:
        return rows[:, :count]
    if bits == 16:
        return rows.view(header.order + "u2")[:, :count].astype(np.uint16)
    values = np.empty((len(rows), count), np.uint8 if bits < 8 else np.uint16)
    weights = 1 << np.arange(bits - 1, -1, -1, dtype=np.uint16)
    for row, stored in enumerate(rows):  # a row at a time: bits need much memory
        spread = np.unpackbits(stored, count=count * bits).reshape(count, bits)
        values[row] = spread @ weights
    return values
