"""An encoded picture's bytes become pixels: header first, then the decoder that may be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import cv2

from edgefeat.errors import DamagedPictureWarning, ImageError
from edgefeat.messages.warn import warn_caller
from edgefeat.pictures import opencv
from edgefeat.pictures.header import ImageFormat, ImageHeader, read_header
from edgefeat.pictures.pixels import as_uint8, eight_bits, flattened, upright

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["OnDamaged", "check_pixels", "decode"]

OnDamaged: TypeAlias = Callable[[DamagedPictureWarning], None]
_REDUCED_FLAGS = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_REMEDY = "Check the file, or convert it to JPEG or PNG."


def decode(
    data: bytes,
    where: str,
    max_pixels: int,
    keep_side: int | None = None,
    on_damaged: OnDamaged | None = None,
) -> Pixels:
    """Return the pixels of an encoded picture; see `edgefeat.pictures.decode.load_bgr`.

    Raises:
        ImageError: It cannot be decoded.
    """
    try:
        header = read_header(data)
    except ImageError as error:
        remedy = error.remedy or _REMEDY
        raise ImageError(error.problem, where=where, remedy=remedy) from error
    check_pixels(header.height, header.width, where, max_pixels)
    try:
        pixels, words = _pixels(data, header, keep_side, where)
    except ImageError as error:
        raise (error if error.where else error.within(where)) from error.__cause__
    if (damage := _damage(words)) is not None:
        warning = DamagedPictureWarning(
            f'a damaged {header.format}: its decoder says "{damage}" and made up what is missing',
            where=where,
            remedy="Get the file again.",
        )
        (on_damaged or warn_caller)(warning)
    return pixels


def check_pixels(height: int, width: int, where: str, max_pixels: int) -> None:
    """Refuse a picture that claims too many pixels.

    Raises:
        ImageError: It claims more than `max_pixels`.
    """
    if height * width > max_pixels:
        raise ImageError(
            f"{width}x{height} is {height * width} pixels, more than the limit of {max_pixels}",
            where=where,
            remedy="Shrink the picture, or raise {option} if it is meant.",
            option="max_pixels",
        )


def _pixels(
    data: bytes, header: ImageHeader, keep_side: int | None, where: str
) -> tuple[Pixels, list[str]]:
    what = f"a {header.format} of {header.width}x{header.height}"
    flags = _decode_flags(header, keep_side)
    decoded = opencv.decode(data, flags, what=what)
    if flags != cv2.IMREAD_UNCHANGED:
        return as_uint8(decoded.pixels), decoded.words
    eight = eight_bits(decoded.pixels, where)
    if header.format is ImageFormat.TIFF and eight.ndim == 3 and eight.shape[2] == 4:
        # OpenCV mixes up the two kinds of TIFF alpha, but its colour mode always multiplies by it.
        on_black = opencv.decode(data, cv2.IMREAD_COLOR, what=what).pixels
        return as_uint8(cv2.add(as_uint8(on_black), 255 - eight[..., [3, 3, 3]])), decoded.words
    return upright(flattened(eight), header.orientation), decoded.words


def _damage(words: list[str]) -> str | None:
    """Return the first line of a decoder that tells of missing or wrong pixels."""
    return next((line for line in words if line.startswith(_DAMAGE) and "ICC" not in line), None)


# What libjpeg says (jerror.h) where it makes up coefficients; its other warnings change no pixel.
_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG file", "Inconsistent progression")


def _decode_flags(header: ImageHeader, keep_side: int | None) -> int:
    if header.format is ImageFormat.JPEG:
        shorter = min(header.height, header.width)
        factors = [f for f in _REDUCED_FLAGS if keep_side and shorter // f >= keep_side]
        return _REDUCED_FLAGS[max(factors)] if factors else cv2.IMREAD_COLOR
    if header.separated:  # CMYK: only the colour mode converts inks
        return cv2.IMREAD_COLOR
    return cv2.IMREAD_UNCHANGED  # keeps alpha and 16 bits, and leaves orientation to us
