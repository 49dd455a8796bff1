"""JPEG through OpenCV: at a smaller scale where that is allowed, and with an ear for damage."""

from __future__ import annotations

from typing import cast

import cv2

from edgefeat.pictures import opencv
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.headers.jpeg import JpegHeader, segments
from edgefeat.pictures.pixels import as_uint8

__all__ = ["decode_jpeg"]

_REDUCED_FLAGS = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# What libjpeg says (jerror.h) where it makes up coefficients; its other warnings change no pixel.
_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG file", "Inconsistent progression")
_NO_DAMAGE = "bad ICC marker"
_SPARED = (0xE1, 0xEE)  # APP1 (Exif) and APP14 (Adobe's colours)


def decode_jpeg(data: bytes, header: ImageHeader, keep_side: int | None) -> Outcome:
    """Decode a JPEG; OpenCV turns it upright itself.

    Args:
        data: The whole file.
        header: What the header says.
        keep_side: Pixels that the shorter side must keep at a reduced scale; None decodes at full
            scale.
    """
    header = cast(JpegHeader, header)
    if header.junk:  # libjpeg tells only of the first oddity, and this one is harmless
        data = _without(data, header.junk)
    decoded = opencv.decode(data, _flags(header, keep_side), header)
    damage = _damage(decoded.words)
    if decoded.words and damage is None:
        # A harmless oddity in the header may have hidden a second one: listen again without it.
        quiet = _without(data, _chatty_segments(data))
        damage = _damage(opencv.decode(quiet, cv2.IMREAD_REDUCED_COLOR_8, header).words)
    return Outcome(pixels=as_uint8(decoded.pixels), damage=damage)


def _flags(header: JpegHeader, keep_side: int | None) -> int:
    shorter = min(header.height, header.width)
    factors = [f for f in _REDUCED_FLAGS if keep_side and shorter // f >= keep_side]
    return _REDUCED_FLAGS[max(factors)] if factors else cv2.IMREAD_COLOR


def _damage(words: list[str]) -> str | None:
    found = (line for line in words if line.startswith(_DAMAGE) and _NO_DAMAGE not in line)
    line = next(found, None)
    return None if line is None else f'its decoder says "{line}" and made up what is missing'


def _without(data: bytes, stretches: tuple[tuple[int, int], ...]) -> bytes:
    parts, place = [], 0
    for start, end in stretches:
        parts.append(data[place:start])
        place = end
    return b"".join([*parts, data[place:]])


def _chatty_segments(data: bytes) -> tuple[tuple[int, int], ...]:
    """Return where the application segments are about which libjpeg may say something."""
    return tuple(
        (start, end)
        for marker, start, end in segments(data)
        if 0xE0 <= marker <= 0xEF and marker not in _SPARED
    )
