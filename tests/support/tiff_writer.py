"""Writes small TIFF files of every layout, to be read back: strips, tiles, planes, bits, BigTIFF.

TIFF 6.0 and its supplements are the source. Nothing here reads, so that a fault in the reader
cannot hide in the writer.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEFLATE", "NONE", "PACKBITS", "write_tiff"]

NONE, DEFLATE, PACKBITS = 1, 8, 32773
SHORT, LONG, LONG8 = 3, 4, 16


def write_tiff(
    samples: NDArray[np.integer],
    *,
    photometric: int,
    bits: int = 8,
    planar: bool = False,
    extra: Sequence[int] | None = None,
    order: str = "<",
    compression: int = NONE,
    predictor: int = 1,
    rows_per_strip: int | None = None,
    tile_hw: tuple[int, int] | None = None,
    orientation: int = 1,
    big: bool = False,
    more: dict[int, Sequence[int]] | None = None,
) -> bytes:
    """Return a TIFF of samples `(height, width, bands)`; see TIFF 6.0 for the names."""
    height, width, bands = samples.shape
    chunks = []
    for plane in np.split(samples, bands, axis=2) if planar else [samples]:
        for block in _blocks(plane, rows_per_strip or height, tile_hw):
            packed = _packed(_differences(block, predictor, bits), bits, order)
            chunks.append(_compressed(packed, compression))
    tags: dict[int, Sequence[int]] = {
        256: [width],
        257: [height],
        258: [bits] * bands,
        259: [compression],
        262: [photometric],
        277: [bands],
        284: [2 if planar else 1],
    }
    if orientation != 1:
        tags[274] = [orientation]
    if predictor != 1:
        tags[317] = [predictor]
    if extra is not None:
        tags[338] = extra
    if tile_hw:
        tags[322], tags[323] = [tile_hw[1]], [tile_hw[0]]
    else:
        tags[278] = [rows_per_strip or height]
    return _file(chunks, tags | (more or {}), order, big=big, tiled=tile_hw is not None)


def _blocks(
    plane: NDArray[np.integer], rows: int, tile_hw: tuple[int, int] | None
) -> list[NDArray[np.integer]]:
    height, width = plane.shape[:2]
    if tile_hw is None:
        return [plane[top : top + rows] for top in range(0, height, rows)]
    tall, wide = tile_hw
    padded = np.pad(plane, ((0, -height % tall), (0, -width % wide), (0, 0)), mode="edge")
    return [
        padded[top : top + tall, left : left + wide]
        for top in range(0, height, tall)
        for left in range(0, width, wide)
    ]


def _differences(block: NDArray[np.integer], predictor: int, bits: int) -> NDArray[np.integer]:
    if predictor == 1:
        return block
    wide = block.astype(np.int64)
    wide[:, 1:] -= block[:, :-1].astype(np.int64)
    return wide % (1 << bits)


def _packed(block: NDArray[np.integer], bits: int, order: str) -> bytes:
    if bits in (8, 16, 32):
        return block.astype(f"{order}u{bits // 8}").tobytes()
    rows = block.reshape(len(block), -1).astype(np.uint32)
    spread = (rows[..., np.newaxis] >> np.arange(bits - 1, -1, -1, dtype=np.uint32)) & 1
    return np.packbits(spread.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def _compressed(data: bytes, compression: int) -> bytes:
    if compression == DEFLATE:
        return zlib.compress(data)
    if compression == PACKBITS:  # literal runs only
        parts = [data[at : at + 128] for at in range(0, len(data), 128)]
        return b"".join(bytes([len(part) - 1]) + part for part in parts)
    return data


def _file(
    chunks: list[bytes], tags: dict[int, Sequence[int]], order: str, *, big: bool, tiled: bool
) -> bytes:
    start = 16 if big else 8
    body, offsets = b"", []
    for chunk in chunks:
        offsets.append(start + len(body))
        body += chunk + b"\0" * (len(chunk) % 2)
    tags = dict(tags)
    tags[324 if tiled else 273] = offsets
    tags[325 if tiled else 279] = [len(chunk) for chunk in chunks]
    where = 8 if big else 4
    entries, beyond = b"", b""
    directory = start + len(body)
    after = directory + (8 + 20 * len(tags) + 8 if big else 2 + 12 * len(tags) + 4)
    for tag, values in sorted(tags.items()):
        kind = LONG if tag in (273, 279, 324, 325, 256, 257, 254) else SHORT
        data = struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        if len(data) > where:
            offset = after + len(beyond)
            beyond += data + b"\0" * (len(data) % 2)
            data = struct.pack(order + ("Q" if big else "I"), offset)
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, len(values))
        entries += data.ljust(where, b"\0")
    mark = b"II" if order == "<" else b"MM"
    if big:
        head = mark + struct.pack(order + "HHHQ", 43, 8, 0, directory)
        return head + body + struct.pack(order + "Q", len(tags)) + entries + bytes(8) + beyond
    head = mark + struct.pack(order + "HI", 42, directory)
    return head + body + struct.pack(order + "H", len(tags)) + entries + bytes(4) + beyond
