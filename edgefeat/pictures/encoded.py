"""An encoded picture's bytes become pixels: header first, then the decoder that may be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from edgefeat.errors import DamagedPictureWarning, ImageError
from edgefeat.messages.warn import warn_caller
from edgefeat.pictures.decoders import decode_known
from edgefeat.pictures.headers import read_header

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["OnDamaged", "check_pixels", "decode"]

OnDamaged: TypeAlias = Callable[[DamagedPictureWarning], None]
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
        outcome = decode_known(data, header, keep_side=keep_side)
    except ImageError as error:
        raise error.within(where) from error.__cause__
    except MemoryError as error:
        raise ImageError(
            "there is not enough memory to decode it",
            where=where,
            option="max_pixels",
            remedy="Lower {option}, or take fewer workers.",
        ) from error
    if outcome.damage is not None:
        warning = DamagedPictureWarning(
            f"a damaged {header.format}: {outcome.damage}",
            where=where,
            remedy="Get the file again.",
        )
        (on_damaged or warn_caller)(warning)
    return outcome.pixels


def check_pixels(height: int, width: int, where: str, max_pixels: int) -> None:
    """Refuse a picture that claims too many pixels.

    Args:
        height: Rows that the header claims.
        width: Columns that the header claims.
        where: Name of the picture, for messages.
        max_pixels: Largest product of both that is accepted.

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
