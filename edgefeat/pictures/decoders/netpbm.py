"""PBM, PGM, PPM and PAM, read here: OpenCV forgets the greatest value that their headers name."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.headers.netpbm import NetpbmHeader
from edgefeat.pictures.pixels import flattened, scaled_to_eight_bits

__all__ = ["decode_netpbm"]

_TEXT_AT_ONCE = 2**20  # bytes
_MOST_DIGITS = 9
_PIXELS_AT_ONCE = 2**18


def decode_netpbm(data: bytes, header: ImageHeader) -> Outcome:
    """Decode a Netpbm picture and lay it on white."""
    header = cast(NetpbmHeader, header)
    shape = header.height, header.width, header.bands
    values = _text(data, header) if header.is_text else _bytes(data, header)
    values = values.reshape(shape)
    if header.kind in (1, 4):  # pictures of bits, where 1 is black
        values = 1 - values
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[header.bands]
    eight = np.empty((header.height, header.width, len(order)), np.uint8)
    step = max(1, _PIXELS_AT_ONCE // header.width)
    for top in range(0, header.height, step):
        strip = scaled_to_eight_bits(values[top : top + step], header.most)
        eight[top : top + step] = strip[..., order]
    return Outcome(pixels=flattened(eight))


def _bytes(data: bytes, header: NetpbmHeader) -> NDArray[np.integer]:
    count = header.row_bytes * header.height
    if header.kind == 4:
        packed = np.frombuffer(data, np.uint8, count, header.pixels_at)
        rows = packed.reshape(header.height, header.row_bytes)
        return np.unpackbits(rows, axis=1, count=header.width)
    kind = np.dtype(">u2") if header.most > 255 else np.dtype(np.uint8)
    return np.frombuffer(data, kind, count // kind.itemsize, header.pixels_at)


def _text(data: bytes, header: NetpbmHeader) -> NDArray[np.integer]:
    wanted = header.height * header.width * header.bands
    parts: list[NDArray[np.integer]] = []
    found, place = 0, header.pixels_at
    while found < wanted and place < len(data):
        end = min(place + _TEXT_AT_ONCE, len(data))
        if header.kind != 1 and end < len(data):  # not in the middle of a number
            end = max(data.rfind(b" ", place, end), data.rfind(b"\n", place, end)) + 1
            if end <= place:
                raise ImageError("the picture's numbers are damaged")
        piece = np.frombuffer(data, np.uint8, end - place, place)
        part = _digits(piece) if header.kind == 1 else _numbers(piece)
        parts.append(part)
        found, place = found + len(part), end
    if found < wanted:
        raise ImageError(f"the file is truncated: {wanted} values announced, {found} there")
    return np.concatenate(parts)[:wanted]


def _digits(piece: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Return the values of bits, which may stand without spaces between them."""
    bits = piece[piece > ord(" ")]
    if len(bits) and not (ord("0") <= bits.min() and bits.max() <= ord("1")):
        raise ImageError("the picture's bits are damaged")
    return (bits - ord("0")).astype(np.uint8)


def _numbers(piece: NDArray[np.uint8]) -> NDArray[np.integer]:
    """Return the numbers that stand in a text between spaces."""
    is_digit = (piece >= ord("0")) & (piece <= ord("9"))
    if np.any(~is_digit & (piece > ord(" "))):
        raise ImageError("the picture's numbers are damaged")
    edges = np.flatnonzero(np.diff(is_digit.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return np.empty(0, np.uint16)
    if (ends - starts).max() > _MOST_DIGITS:
        raise ImageError("the picture's numbers are damaged")
    values = np.zeros(len(starts), np.int64)
    for digit in range(int((ends - starts).max())):
        there = starts + digit < ends
        values[there] = values[there] * 10 + (piece[starts[there] + digit] - ord("0"))
    return np.minimum(values, 65535).astype(np.uint16)
