"""A picture whose header is known becomes pixels: one file a format that needs care."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgefeat.pictures.formats import ImageFormat

if TYPE_CHECKING:
    from edgefeat.pictures.decoders.outcome import Outcome
    from edgefeat.pictures.headers.base import ImageHeader

__all__ = ["decode_known"]


def decode_known(data: bytes, header: ImageHeader, *, keep_side: int | None) -> Outcome:
    """Return the pixels of a picture, and the damage that its decoder reports.

    Args:
        data: The whole file.
        header: What `read_header` found in it.
        keep_side: Lets a JPEG be decoded at a smaller scale; see `load_bgr`.

    Raises:
        ImageError: There are no pixels. It has no place: the caller knows the picture's name.
    """
    match header.format:
        case ImageFormat.JPEG:
            from edgefeat.pictures.decoders.jpeg import decode_jpeg

            return decode_jpeg(data, header, keep_side)
        case ImageFormat.PNG:
            from edgefeat.pictures.decoders.png import decode_png

            return decode_png(data, header)
        case ImageFormat.TIFF:
            from edgefeat.pictures.decoders.tiff import decode_tiff

            return decode_tiff(data, header)
        case ImageFormat.BMP:
            from edgefeat.pictures.decoders.bmp import decode_bmp

            return decode_bmp(data, header)
        case ImageFormat.NETPBM:
            from edgefeat.pictures.decoders.netpbm import decode_netpbm

            return decode_netpbm(data, header)
        case ImageFormat.HEIC:
            from edgefeat.pictures.decoders.heic import decode_heic

            return decode_heic(data, header)
        case _:
            from edgefeat.pictures.decoders.plain import decode_plain

            return decode_plain(data, header)
