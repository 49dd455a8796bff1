"""BMP in all its headers and packings, read here: OpenCV mistakes about five kinds of them."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.headers.bmp import PLAIN, RLE4, BmpHeader
from edgefeat.pictures.pixels import as_uint8, flattened, scaled_to_eight_bits

__all__ = ["decode_bmp"]

_PIXELS_AT_ONCE = 2**18
_LINE_END, _PICTURE_END, _MOVE = 0, 1, 2  # what follows a zero in run-length code
_BYTE_MASKS = (0xFF0000, 0xFF00, 0xFF)


def decode_bmp(data: bytes, header: ImageHeader) -> Outcome:
    """Decode a BMP and lay it on white where it has alpha."""
    header = cast(BmpHeader, header)
    damage = None
    if header.compression != PLAIN:
        runs = _Runs(data, header)
        pixels = _palette(data, header)[runs.indices()]
        if missing := header.height - runs.rows:
            damage = f"its run-length code ends {missing} rows early, and those are filled"
    elif header.bits <= 8:
        pixels = _palette(data, header)[_indices(_rows(data, header), header)]
    elif header.bits == 24:
        pixels = _rows(data, header)[:, : header.width * 3].reshape(header.height, -1, 3)
    else:
        pixels = _masked(_rows(data, header), header)
    if not header.from_top:
        pixels = pixels[::-1]
    return Outcome(pixels=np.ascontiguousarray(flattened(as_uint8(pixels))), damage=damage)


def _rows(data: bytes, header: BmpHeader) -> NDArray[np.uint8]:
    """Return the stored rows, padding and all: `(height, row_bytes)`."""
    wanted = header.row_bytes * header.height
    if header.pixels_at + wanted > len(data):  # the padding of the last row may be missing
        data += bytes(header.pixels_at + wanted - len(data))
    stored = np.frombuffer(data, np.uint8, wanted, header.pixels_at)
    return stored.reshape(header.height, header.row_bytes)


def _palette(data: bytes, header: BmpHeader) -> NDArray[np.uint8]:
    """Return the colours of all 256 indices, BGR; those that are not in the file are black."""
    palette = np.zeros((256, 3), np.uint8)
    step, size = header.palette_step, header.palette_size
    stored = np.frombuffer(data[header.palette_at : header.palette_at + step * size], np.uint8)
    whole = len(stored) // step
    palette[:whole] = stored[: whole * step].reshape(whole, step)[:, :3]
    return palette


def _indices(rows: NDArray[np.uint8], header: BmpHeader) -> NDArray[np.uint8]:
    if header.bits == 8:
        return rows[:, : header.width]
    shifts = np.arange(8 - header.bits, -1, -header.bits, dtype=np.uint8)
    spread = (rows[..., np.newaxis] >> shifts) & np.uint8((1 << header.bits) - 1)
    return spread.reshape(len(rows), -1)[:, : header.width]


def _masked(rows: NDArray[np.uint8], header: BmpHeader) -> NDArray[np.uint8]:
    """Return pixels of 16 or 32 bits as BGR, or BGRA where there is an alpha mask."""
    red, green, blue, alpha = header.masks
    if header.bits == 32 and (red, green, blue) == _BYTE_MASKS and alpha in (0, 0xFF000000):
        stored = rows[:, : header.width * 4].reshape(header.height, header.width, 4)
        return stored if alpha else stored[..., :3]
    words = rows.view("<u2" if header.bits == 16 else "<u4")[:, : header.width]
    masks = (blue, green, red, alpha) if alpha else (blue, green, red)
    pixels = np.empty((header.height, header.width, len(masks)), np.uint8)
    step = max(1, _PIXELS_AT_ONCE // header.width)
    for top in range(0, header.height, step):
        strip = words[top : top + step]
        for band, mask in enumerate(masks):
            pixels[top : top + step, :, band] = _channel(strip, mask)
    return pixels


def _channel(words: NDArray[np.integer], mask: int) -> NDArray[np.uint8]:
    """Return the bits under a mask, stretched to 0..255; zeros where the mask is empty."""
    if not mask:
        return np.zeros(words.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    values = (words & words.dtype.type(mask)) >> words.dtype.type(shift)
    if most <= 65535:
        return scaled_to_eight_bits(values, most)
    return (values >> words.dtype.type(most.bit_length() - 8)).astype(np.uint8)


class _Runs:
    """Undoes run-length code: runs are cut at the row's end, what is skipped is index 0."""

    def __init__(self, data: bytes, header: BmpHeader) -> None:
        self._code = np.frombuffer(data, np.uint8)
        self._place = header.pixels_at
        self._four_bits = header.compression == RLE4
        self._out = np.zeros((header.height, header.width), np.uint8)
        self._row = self._column = 0

    def indices(self) -> NDArray[np.uint8]:
        """Return the palette's indices, `(height, width)`, in stored order.

        Raises:
            ImageError: The code ends before the picture, or says of more than half of the rows that
                they are empty.
        """
        code, last = self._code, len(self._code) - 1
        while self._row < len(self._out):
            if self._place >= last:
                raise self._cut_off()
            first, second = int(code[self._place]), int(code[self._place + 1])
            if first:
                self._runs()
                continue
            self._place += 2
            if second == _LINE_END:
                self._row, self._column = self._row + 1, 0
            elif second == _PICTURE_END:
                break
            elif second == _MOVE:
                if self._place >= last:
                    raise self._cut_off()
                across, down = code[self._place : self._place + 2].tolist()
                self._place += 2
                self._row, self._column = self._row + down, self._column + across
            else:
                self._literal(second)
        if self.rows * 2 < len(self._out):
            raise self._cut_off()
        return self._out

    @property
    def rows(self) -> int:
        """How many rows the code has reached."""
        return min(self._row + (self._column > 0), len(self._out))

    def _cut_off(self) -> ImageError:
        return ImageError(
            f"the file is truncated: {len(self._out)} rows announced, {self.rows} there"
        )

    def _runs(self) -> None:
        """Take runs up to the next zero, a row's worth at a time."""
        window = 2 * max(64, self._out.shape[1])
        pairs = self._code[self._place : self._place + window]
        pairs = pairs[: len(pairs) // 2 * 2].reshape(-1, 2)
        zeros = np.flatnonzero(pairs[:, 0] == 0)
        pairs = pairs[: zeros[0]] if len(zeros) else pairs
        counts = pairs[:, 0].astype(np.intp)
        self._place += 2 * len(pairs)
        values = np.repeat(pairs[:, 1], counts)
        if self._four_bits:
            starts = np.repeat(np.cumsum(counts) - counts, counts)
            odd = (np.arange(len(values)) - starts) % 2 == 1
            values = np.where(odd, values & 15, values >> 4)
        self._put(values)

    def _literal(self, count: int) -> None:
        length = (count + 1) // 2 if self._four_bits else count
        values = self._code[self._place : self._place + length]
        self._place += length + length % 2  # to an even number of bytes
        if self._four_bits:
            values = np.column_stack((values >> 4, values & 15)).ravel()[:count]
        self._put(values)

    def _put(self, values: NDArray[np.uint8]) -> None:
        room = max(0, self._out.shape[1] - self._column)
        values_in = values[:room]
        self._out[self._row, self._column : self._column + len(values_in)] = values_in
        self._column += len(values)
