"""WebP, GIF, AVIF and JPEG 2000 through OpenCV, which keeps their alpha."""

from __future__ import annotations

import cv2
import numpy as np

from edgefeat.pictures import opencv
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.headers.isomedia import AvifHeader
from edgefeat.pictures.pixels import eight_bits, flattened, scaled_to_eight_bits, upright

__all__ = ["decode_plain"]

_GIF_TRAILER = b"\x3b"


def decode_plain(data: bytes, header: ImageHeader) -> Outcome:
    """Decode a picture, turn it upright and lay it on white."""
    damage = None
    end = getattr(header, "end", None)
    if header.format is ImageFormat.GIF and end is not None:
        data = data[:end] + _GIF_TRAILER
        damage = "the trailer is missing, though the first picture is whole"
    pixels = opencv.decode(data, cv2.IMREAD_UNCHANGED, header).pixels
    if isinstance(header, AvifHeader) and pixels.dtype == np.uint16:
        eight = scaled_to_eight_bits(pixels.astype(np.uint16), (1 << header.bits) - 1)
    else:
        eight = eight_bits(pixels)
    return Outcome(pixels=upright(flattened(eight), header.orientation), damage=damage)
