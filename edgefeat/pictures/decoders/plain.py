"""WebP, GIF, AVIF and JPEG 2000 through OpenCV, which keeps their alpha."""

from __future__ import annotations

import cv2
import numpy as np

from edgefeat.pictures import opencv
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.headers.base import ImageHeader, refused
from edgefeat.pictures.headers.gif import GifHeader
from edgefeat.pictures.headers.isomedia import AvifHeader
from edgefeat.pictures.pixels import eight_bits, flattened, scaled_to_eight_bits, upright

__all__ = ["decode_plain"]

_GIF_TRAILER = b"\x3b"


def decode_plain(data: bytes, header: ImageHeader) -> Outcome:
    """Decode a picture, turn it upright and lay it on white."""
    damage = None
    if isinstance(header, GifHeader) and header.end is not None:
        data = data[: header.end] + _GIF_TRAILER
        damage = "the trailer is missing, though the first picture is whole"
    pixels = opencv.decode(data, cv2.IMREAD_UNCHANGED, header).pixels
    if isinstance(header, GifHeader) and header.transparent and pixels.shape[2:] != (4,):
        raise refused("a GIF whose transparency OpenCV does not see")
    if isinstance(header, AvifHeader) and pixels.dtype == np.uint16:
        eight = scaled_to_eight_bits(pixels.astype(np.uint16), (1 << header.bits) - 1)
    else:
        eight = eight_bits(pixels)
    return Outcome(pixels=upright(flattened(eight), header.orientation), damage=damage)
