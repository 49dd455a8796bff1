"""Reads the header of a JPEG 2000 picture: a bare codestream, or one in boxes (ITU-T T.800)."""

from __future__ import annotations

import struct

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader, refused
from edgefeat.pictures.headers.isomedia import boxes_of

__all__ = ["Jpeg2000Header", "read_jpeg2000"]

_CODESTREAM = b"\xff\x4f\xff\x51"
_SRGB, _GREY, _SYCC = 16, 17, 18  # enumerated colour spaces
_END_MARKER = b"\xff\xd9"


class Jpeg2000Header(ImageHeader):
    """The header of a JPEG 2000 picture.

    Args:
        bits: Number of bits in a sample.
        bands: Components of a pixel.
        has_alpha: Whether the last of them is alpha.
    """

    bits: int
    bands: int
    has_alpha: bool


def read_jpeg2000(data: bytes) -> Jpeg2000Header:
    """Read size and components, and refuse what OpenCV would read wrongly.

    Raises:
        ImageError: The header is damaged, cut off, or of a kind that is not read.
    """
    stream, alpha = 0, False
    if data[:4] != _CODESTREAM:
        stream, alpha = _in_boxes(data)
    if data[stream : stream + 4] != _CODESTREAM:
        raise ImageError("the JPEG 2000 header is damaged")
    if data.rfind(_END_MARKER, stream) < 0:
        raise ImageError("the file is truncated: the JPEG 2000 end marker is missing")
    right, bottom, left, top = struct.unpack_from(">IIII", data, stream + 8)
    (bands,) = struct.unpack_from(">H", data, stream + 40)
    parts = [struct.unpack_from(">BBB", data, stream + 42 + 3 * band) for band in range(bands)]
    if bands not in (1, 2, 3, 4):
        raise refused(f"a JPEG 2000 of {bands} components")
    if any((across, down) != (1, 1) for _, across, down in parts):
        raise refused("a JPEG 2000 whose colours are stored at a smaller scale")
    depths = {depth for depth, _, _ in parts}
    if not depths <= {7, 15} or len(depths) != 1:
        raise refused("a JPEG 2000 of other than 8 or 16 bits a sample")
    if bands in (2, 4) and not alpha:
        raise refused(f"a JPEG 2000 of {bands} components that does not say which one is alpha")
    return Jpeg2000Header(
        format=ImageFormat.JPEG2000,
        height=max(0, bottom - top),
        width=max(0, right - left),
        bits=depths.pop() + 1,
        bands=bands,
        has_alpha=alpha,
    )


def _in_boxes(data: bytes) -> tuple[int, bool]:
    """Return where the codestream starts, and whether the last component is alpha."""
    alpha = False
    for kind, start, end in boxes_of(data, 0, len(data)):
        if kind == b"jp2h":
            alpha = _colours(data, start, end)
        elif kind == b"jp2c":
            return start, alpha
    raise ImageError("the file is truncated: the JPEG 2000 codestream is missing")


def _colours(data: bytes, start: int, end: int) -> bool:
    alpha = False
    for kind, body, _ in boxes_of(data, start, end):
        if kind == b"pclr":
            raise refused("a JPEG 2000 with a palette")
        if kind == b"colr" and data[body] == 1:
            (space,) = struct.unpack_from(">I", data, body + 3)
            if space not in (_SRGB, _GREY, _SYCC):
                raise refused(f"a JPEG 2000 of the colour space {space}")
        elif kind == b"cdef":
            (count,) = struct.unpack_from(">H", data, body)
            for index in range(min(count, 16)):
                channel, meaning, _ = struct.unpack_from(">HHH", data, body + 2 + 6 * index)
                if meaning not in (0, 1) or (meaning == 1 and channel != count - 1):
                    raise refused("a JPEG 2000 whose components stand in an unusual order")
                alpha = alpha or meaning == 1
    return alpha
