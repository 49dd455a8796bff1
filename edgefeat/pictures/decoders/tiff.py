"""TIFF: sample by sample, and through OpenCV what is JPEG, fax or YCbCr inside."""

from __future__ import annotations

import struct
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.pictures import opencv
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.decoders.tiff_jpeg import decode_jpeg_strips
from edgefeat.pictures.decoders.tiff_samples import read_samples
from edgefeat.pictures.headers.base import ImageHeader, refused
from edgefeat.pictures.headers.tiff import Compression, Photometric, TiffHeader
from edgefeat.pictures.pixels import as_uint8, eight_bits, flattened, scaled_to_eight_bits, upright

__all__ = ["decode_tiff"]

_FAX = (Compression.CCITT_RLE, Compression.CCITT_G3, Compression.CCITT_G4)
_GREYS = (Photometric.WHITE_IS_ZERO, Photometric.BLACK_IS_ZERO)


def decode_tiff(data: bytes, header: ImageHeader) -> Outcome:
    """Decode a TIFF's first picture, turn it upright and lay it on white."""
    header = cast(TiffHeader, header)
    damage = None
    if _is_opencvs(header):
        pixels = eight_bits(opencv.decode(_as_stored(data, header), opencv.COLOUR, header).pixels)
    elif header.compression is Compression.JPEG:
        outcome = decode_jpeg_strips(data, header)
        pixels, damage = outcome.pixels, outcome.damage
    else:
        pixels = _coloured(read_samples(data, header), header)
    return Outcome(pixels=upright(flattened(pixels), header.orientation), damage=damage)


def _is_opencvs(header: TiffHeader) -> bool:
    """Return whether OpenCV reads this kind rightly; those that nobody reads are refused.

    Found out by reading one of every kind (tests/runtime/pictures/test_variants.py).
    """
    if header.compression is Compression.JPEG:
        if header.photometric is not Photometric.INKS:
            return False
        if header.extra or header.planar or header.bits != 8 or header.columns:
            raise refused("a TIFF of JPEG strips with inks and tiles, planes, alpha or other bits")
        return True
    if header.compression in _FAX:
        if header.bits != 1 or header.bands != 1 or header.photometric not in _GREYS:
            raise refused("a TIFF with fax compression and more than black and white")
        return True
    if header.photometric is Photometric.YCBCR:
        if header.extra or header.planar or header.bits != 8 or header.columns:
            raise refused("a TIFF of YCbCr colours with tiles, planes, alpha or other than 8 bits")
        return True
    return False


def _as_stored(data: bytes, header: TiffHeader) -> bytes:
    """Return the file with the orientation that leaves pixels alone: OpenCV errs in tiles."""
    if header.orientation == 1 or header.orientation_at is None:
        return data
    place = header.orientation_at
    one = struct.pack(header.order + "H", 1)
    return b"".join((data[:place], one, data[place + 2 :]))


def _coloured(samples: NDArray[np.integer], header: TiffHeader) -> NDArray[np.uint8]:
    """Return samples `(height, width, bands)` as grey, BGR or BGRA."""
    most = (1 << header.bits) - 1
    if header.photometric is Photometric.PALETTE:
        colours = _palette(header)[np.minimum(samples[..., 0], most)]
    else:
        colours = scaled_to_eight_bits(samples[..., : header.colours], most)
        if header.photometric is Photometric.WHITE_IS_ZERO:
            colours = 255 - colours
        elif header.photometric is Photometric.INKS:
            colours = _without_inks(colours)
        else:
            colours = colours[..., ::-1]
    kinds = [kind for kind in header.extra if kind in (1, 2)]
    if not kinds:
        return as_uint8(np.ascontiguousarray(colours))
    band = header.colours + header.extra.index(kinds[0])
    alpha = scaled_to_eight_bits(samples[..., band], most)
    if colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    if kinds[0] == 1:  # colours were multiplied by alpha: white comes through for the rest
        rest = np.repeat(255 - alpha[..., np.newaxis], 3, axis=2)
        return as_uint8(cv2.add(np.ascontiguousarray(colours), rest))
    return as_uint8(np.dstack((colours, alpha)))


def _palette(header: TiffHeader) -> NDArray[np.uint8]:
    """Return the palette's colours, BGR.

    Writers store a value times 256 or times 257, and a few the value itself.
    """
    size = 1 << header.bits
    if len(header.palette) < 3 * size:
        raise refused("a TIFF whose palette is too short")
    stored = np.array(header.palette[: 3 * size], np.uint32).reshape(3, size)
    eight = stored if stored.max() < 256 else stored >> 8
    return eight.T[:, ::-1].astype(np.uint8)


def _without_inks(inks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return inks as BGR the way libtiff and Pillow do: without a colour profile."""
    light = 255 - inks.astype(np.uint16)
    rgb = (light[..., :3] * light[..., 3:] + 127) // 255
    return rgb[..., ::-1].astype(np.uint8)
