"""Reads a picture's header from its bytes: format, size, variant, completeness, before decoding.

A decoder that opens a hostile file allocates as much memory as the header claims, and one that
meets a rare variant may give wrong pixels. The headers find out first: what is here refused, no
decoder ever sees. One file a format, from its specification, loaded when the first picture of that
format comes; standard library only.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.kind import Group, kind_of

__all__ = ["ImageHeader", "read_header"]


_READERS: dict[ImageFormat, Callable[[bytes], ImageHeader]] = {}  # those that were needed


def read_header(data: bytes) -> ImageHeader:
    """Read the header of an encoded picture and check that its end is there.

    Raises:
        ImageError: Unknown format, a header that makes no sense, a variant that is not read, or a
            truncated file. It has no place: the caller knows the picture's name.
    """
    kind = kind_of(data)
    if kind.format is None or kind.group is not Group.PICTURE:
        raise ImageError(kind.problem, remedy=kind.remedy)
    read = _READERS.get(kind.format) or _READERS.setdefault(kind.format, _reader(kind.format))
    try:
        header = read(data)
    except (struct.error, IndexError, KeyError, OverflowError) as error:
        raise ImageError("the header is damaged or cut off") from error
    if header.height < 1 or header.width < 1:
        raise ImageError(f"the header claims {header.width}x{header.height} pixels")
    return header


def _reader(kind: ImageFormat) -> Callable[[bytes], ImageHeader]:
    match kind:
        case ImageFormat.JPEG:
            from edgefeat.pictures.headers.jpeg import read_jpeg

            return read_jpeg
        case ImageFormat.PNG:
            from edgefeat.pictures.headers.png import read_png

            return read_png
        case ImageFormat.WEBP:
            from edgefeat.pictures.headers.webp import read_webp

            return read_webp
        case ImageFormat.GIF:
            from edgefeat.pictures.headers.gif import read_gif

            return read_gif
        case ImageFormat.BMP:
            from edgefeat.pictures.headers.bmp import read_bmp

            return read_bmp
        case ImageFormat.TIFF:
            from edgefeat.pictures.headers.tiff import read_tiff

            return read_tiff
        case ImageFormat.NETPBM:
            from edgefeat.pictures.headers.netpbm import read_netpbm

            return read_netpbm
        case ImageFormat.AVIF:
            from edgefeat.pictures.headers.isomedia import read_avif

            return read_avif
        case ImageFormat.JPEG2000:
            from edgefeat.pictures.headers.jpeg2000 import read_jpeg2000

            return read_jpeg2000
        case ImageFormat.HEIC:
            from edgefeat.pictures.headers.isomedia import read_heic

            return read_heic
