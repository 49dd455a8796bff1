"""Reads a picture's format, size, orientation and completeness from its bytes, before decoding.

A decoder that opens a hostile file allocates as much memory as the header claims; this file finds
out first. It knows the seven formats below from their specifications (JFIF/Exif, PNG, WebP, GIF89a,
BMP, TIFF 6.0, Netpbm), and nothing else is ever given to a decoder. Standard library only.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.kind import kind_of
from edgefeat.record import Record

__all__ = ["ImageFormat", "ImageHeader", "read_header"]


_EXIF_ORIENTATION = 274
_TIFF_WIDTH, _TIFF_HEIGHT, _TIFF_PHOTOMETRIC = 256, 257, 262
_CMYK = 5  # of the photometric interpretations
_SHORT, _LONG = 3, 4  # types of TIFF values


class ImageHeader(Record):
    """What is known of a picture before decoding it.

    Args:
        format: How it is encoded.
        height: In pixels, as stored.
        width: In pixels, as stored.
        orientation: The Exif value, 1 to 8, for formats whose decoder does not apply it itself (PNG
            and WebP); elsewhere 1.
        separated: Whether it is a TIFF of CMYK inks.
    """

    format: ImageFormat
    height: int
    width: int
    orientation: int = 1
    separated: bool = False


def read_header(data: bytes) -> ImageHeader:
    """Read the header of an encoded picture and check that its end is there.

    Raises:
        ImageError: Unknown format, a header that makes no sense, or a truncated file. It has no
            place: the caller knows the picture's name.
    """
    kind = kind_of(data)
    read = _READERS.get(kind.format) if kind.format is not None else None
    if read is None:
        raise ImageError(kind.problem, remedy=kind.remedy)
    try:
        header = read(data)
    except (struct.error, IndexError, KeyError) as error:
        raise ImageError("the header is damaged or cut off") from error
    if header.height < 1 or header.width < 1:
        raise ImageError(f"the header claims {header.width}x{header.height} pixels")
    return header


def _jpeg(data: bytes) -> ImageHeader:
    size: tuple[int, int] | None = None
    position = 2
    while True:
        while data[position] == 0xFF and data[position + 1] == 0xFF:
            position += 1  # fill bytes
        marker, length = struct.unpack_from(">HH", data, position)
        if marker < 0xFFC0 or length < 2:
            raise ImageError("the JPEG header is damaged")
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            size = struct.unpack_from(">HH", data, position + 5)
        position += 2 + length
        if marker == 0xFFDA:  # start of scan: entropy-coded data follows
            break
    if size is None:
        raise ImageError("the JPEG header gives no size")
    # Entropy-coded data never holds FF D9, so its absence means the picture was cut off.
    if data.rfind(b"\xff\xd9", position) < 0:
        raise ImageError("the file is truncated: the JPEG end marker is missing")
    return ImageHeader(format=ImageFormat.JPEG, height=size[0], width=size[1])


def _png(data: bytes) -> ImageHeader:
    if data[12:16] != b"IHDR":
        raise ImageError("the PNG header is damaged")
    width, height = struct.unpack_from(">II", data, 16)
    orientation, position, kind = 1, 8, b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise ImageError("the file is truncated: the PNG end chunk is missing")
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        if kind == b"eXIf":
            orientation = _exif_orientation(data[position + 8 : position + 8 + length])
        position += 12 + length
    if position > len(data):
        raise ImageError("the file is truncated: the PNG end chunk is missing")
    return ImageHeader(format=ImageFormat.PNG, height=height, width=width, orientation=orientation)


def _webp(data: bytes) -> ImageHeader:
    (riff_length,) = struct.unpack_from("<I", data, 4)
    if riff_length + 8 > len(data):
        raise ImageError(
            f"the file is truncated: {riff_length + 8} bytes announced, {len(data)} there"
        )
    height, width = _webp_size(data)
    orientation, position = 1, 12
    while position + 8 <= len(data):
        kind = data[position : position + 4]
        (length,) = struct.unpack_from("<I", data, position + 4)
        if kind == b"EXIF":
            exif = data[position + 8 : position + 8 + length]
            orientation = _exif_orientation(exif[6:] if exif[:4] == b"Exif" else exif)
        position += 8 + length + (length & 1)
    return ImageHeader(format=ImageFormat.WEBP, height=height, width=width, orientation=orientation)


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return int.from_bytes(data[27:30], "little") + 1, width
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ((bits >> 14) & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return height & 0x3FFF, width & 0x3FFF
    raise ImageError("the WebP header is damaged")


def _gif(data: bytes) -> ImageHeader:
    width, height = struct.unpack_from("<HH", data, 6)
    if b"\x3b" not in data[-64:]:  # the trailer; some writers pad after it
        raise ImageError("the file is truncated: the GIF trailer is missing")
    return ImageHeader(format=ImageFormat.GIF, height=height, width=width)


def _bmp(data: bytes) -> ImageHeader:
    (header_size,) = struct.unpack_from("<I", data, 14)
    if header_size == 12:
        width, height = struct.unpack_from("<HH", data, 18)
        bits, compression = struct.unpack_from("<H", data, 24)[0], 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    offset = struct.unpack_from("<I", data, 10)[0]
    row_bytes = (abs(width) * bits + 31) // 32 * 4
    if compression in (0, 3) and offset + row_bytes * abs(height) > len(data):
        raise ImageError(
            f"the file is truncated: {offset + row_bytes * abs(height)} bytes announced, "
            f"{len(data)} there"
        )
    return ImageHeader(format=ImageFormat.BMP, height=abs(height), width=abs(width))


def _tiff(data: bytes) -> ImageHeader:
    tags = _tiff_tags(data)
    return ImageHeader(
        format=ImageFormat.TIFF,
        height=tags[_TIFF_HEIGHT],
        width=tags[_TIFF_WIDTH],
        separated=tags.get(_TIFF_PHOTOMETRIC) == _CMYK,
    )


def _exif_orientation(data: bytes) -> int:
    """Return the Exif orientation, 1 where the block is absent or damaged (it is only advice)."""
    try:
        value = _tiff_tags(data).get(_EXIF_ORIENTATION, 1)
    except (struct.error, IndexError):
        return 1
    return value if 1 <= value <= 8 else 1


def _tiff_tags(data: bytes) -> dict[int, int]:
    """Return the first directory's single SHORT and LONG values by tag."""
    order = "<" if data[:2] == b"II" else ">"
    (directory,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, directory)
    tags: dict[int, int] = {}
    for index in range(count):
        entry = directory + 2 + 12 * index
        tag, kind, length = struct.unpack_from(order + "HHI", data, entry)
        if length == 1 and kind in (_SHORT, _LONG):
            form = order + ("H" if kind == _SHORT else "I")
            (tags[tag],) = struct.unpack_from(form, data, entry + 8)
    return tags


def _netpbm(data: bytes) -> ImageHeader:
    head = re.sub(rb"#[^\n]*\n", b" ", data[:4096])
    match = re.match(rb"P([1-6])\s+(\d{1,9})\s+(\d{1,9})\s", head)
    if match is None:
        raise ImageError("the PBM/PGM/PPM header is damaged")
    return ImageHeader(format=ImageFormat.NETPBM, height=int(match[3]), width=int(match[2]))


_READERS: dict[ImageFormat, Callable[[bytes], ImageHeader]] = {
    ImageFormat.JPEG: _jpeg,
    ImageFormat.PNG: _png,
    ImageFormat.WEBP: _webp,
    ImageFormat.GIF: _gif,
    ImageFormat.BMP: _bmp,
    ImageFormat.TIFF: _tiff,
    ImageFormat.NETPBM: _netpbm,
}
