"""PNG through OpenCV, with the transparent grey that OpenCV passes over."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from edgefeat.pictures import opencv
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.headers.png import GREY, PngHeader
from edgefeat.pictures.pixels import eight_bits, flattened, upright

__all__ = ["decode_png"]

_END_CHUNK = b"\0\0\0\0IEND\xaeB\x60\x82"


def decode_png(data: bytes, header: ImageHeader) -> Outcome:
    """Decode a PNG, turn it upright and lay it on white."""
    header = cast(PngHeader, header)
    damage = None
    if header.end is not None:
        data = data[: header.end] + _END_CHUNK
        damage = "the end chunk is missing, though every pixel is there"
    flags = cv2.IMREAD_UNCHANGED if header.has_alpha else opencv.COLOUR
    pixels = opencv.decode(data, flags, header).pixels
    if header.colour_type == GREY and header.transparent is not None and pixels.ndim == 2:
        # OpenCV keeps grey as it is stored, stretched to 8 bits if it has fewer.
        value = int.from_bytes(header.transparent[:2], "big")
        if header.bits < 8:
            value = value * 255 // ((1 << header.bits) - 1)
        pixels = pixels.copy()
        pixels[pixels == value] = 255 if pixels.dtype == np.uint8 else 65535
    return Outcome(pixels=upright(flattened(eight_bits(pixels)), header.orientation), damage=damage)
