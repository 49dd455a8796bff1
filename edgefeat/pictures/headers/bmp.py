"""Reads a BMP's header: OS/2 and Windows in all sizes, masks, palette, compression.

Microsoft's BITMAPCOREHEADER to BITMAPV5HEADER, and OS/2's BITMAPINFOHEADER2.
"""

from __future__ import annotations

import struct

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader, cut_off, refused

__all__ = ["PLAIN", "RLE4", "RLE8", "BmpHeader", "read_bmp"]

PLAIN, RLE8, RLE4, _MASKS, _JPEG, _PNG, _MASKS_ALPHA = range(7)  # values of the compression field
_CORE, _OS2 = 12, (16, 64)  # sizes of OS/2's headers
_FILE_HEADER = 14
_MASKS_AT = 54
_USUAL_MASKS = {
    16: (0x7C00, 0x3E0, 0x1F, 0),
    32: (0xFF0000, 0xFF00, 0xFF, 0),  # the fourth byte means nothing
}


class BmpHeader(ImageHeader):
    """A BMP's header.

    Args:
        bits: Number of bits in a pixel.
        compression: `PLAIN` (with or without masks), `RLE8` or `RLE4`.
        from_top: Whether the first row stored is the top one.
        pixels_at: Where the pixels begin.
        palette_at: Where the palette begins.
        palette_size: How many colours it has.
        palette_step: Bytes of a colour: 3 or 4.
        masks: Bits of red, green, blue and alpha, for 16 and 32 bits.
    """

    bits: int
    compression: int
    from_top: bool
    pixels_at: int
    palette_at: int
    palette_size: int
    palette_step: int
    masks: tuple[int, int, int, int]

    @property
    def row_bytes(self) -> int:
        """Bytes of a stored row; rows end on multiples of four."""
        return (self.width * self.bits + 31) // 32 * 4


def read_bmp(data: bytes) -> BmpHeader:
    """Read what the header says.

    Raises:
        ImageError: The header is damaged, cut off, or of a kind that is not read.
    """
    pixels_at, size = struct.unpack_from("<II", data, 10)
    if size == _CORE:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = colours = 0
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
        compression = struct.unpack_from("<I", data, 30)[0] if size > 16 else 0
        colours = struct.unpack_from("<I", data, 46)[0] if size >= 40 else 0
    _check(size, bits, compression)
    if width < 1 or height == 0:
        raise ImageError(f"the header claims {width}x{abs(height)} pixels")
    masks_beside = {_MASKS: 12, _MASKS_ALPHA: 16}.get(compression, 0) if size == 40 else 0
    palette_at = _FILE_HEADER + size + masks_beside
    step = 3 if size == _CORE else 4
    most = 1 << bits if bits <= 8 else 0
    if pixels_at < _FILE_HEADER + size:
        raise ImageError("the BMP header is damaged: the pixels begin inside of it")
    if bits <= 8 and pixels_at == palette_at:  # some writers forget the palette in between
        pixels_at += step * min(colours or most, most)
    room = max(0, pixels_at - palette_at) // step
    header = BmpHeader(
        format=ImageFormat.BMP,
        height=abs(height),
        width=width,
        bits=bits,
        compression=PLAIN if compression in (_MASKS, _MASKS_ALPHA) else compression,
        from_top=height < 0,
        pixels_at=pixels_at,
        palette_at=palette_at,
        palette_size=min(colours or most, most, room or most),
        palette_step=step,
        masks=_masks(data, size, bits, compression),
    )
    if header.compression == PLAIN:
        # Some writers leave out the padding of the last row.
        needed = header.row_bytes * (header.height - 1) + (width * bits + 7) // 8
        if pixels_at + needed > len(data):
            raise cut_off(pixels_at + needed, len(data))
    return header


def _check(size: int, bits: int, compression: int) -> None:
    if size in _OS2 and compression >= _MASKS:
        raise refused("a BMP of OS/2 with Huffman or 24-bit run-length compression")
    if compression in (_JPEG, _PNG):
        raise refused(f"a BMP that wraps a {'JPEG' if compression == _JPEG else 'PNG'}")
    if bits not in (1, 2, 4, 8, 16, 24, 32):
        raise refused(f"a BMP of {bits} bits a pixel")
    if compression > _MASKS_ALPHA:
        raise refused(f"a BMP of compression {compression}")
    if compression in (_MASKS, _MASKS_ALPHA) and bits not in _USUAL_MASKS:
        raise refused(f"a BMP of {bits} bits a pixel with masks")
    if (compression == RLE8 and bits != 8) or (compression == RLE4 and bits != 4):
        raise refused(f"a BMP of {bits} bits a pixel with run-length compression {compression}")


def _masks(data: bytes, size: int, bits: int, compression: int) -> tuple[int, int, int, int]:
    if compression not in (_MASKS, _MASKS_ALPHA):
        return _USUAL_MASKS.get(bits, (0, 0, 0, 0))
    red, green, blue = struct.unpack_from("<III", data, _MASKS_AT)
    alpha = 0
    if size >= 56 or compression == _MASKS_ALPHA:
        (alpha,) = struct.unpack_from("<I", data, _MASKS_AT + 12)
    for mask in (red, green, blue, alpha):
        steps = mask >> max(0, (mask & -mask).bit_length() - 1)
        if mask >> bits or steps & (steps + 1):
            raise refused("a BMP with masks of scattered bits")
    return red, green, blue, alpha
