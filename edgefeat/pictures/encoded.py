"""An encoded picture's bytes become pixels: header first, then the decoder that may be trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from edgefeat.errors import DamagedPictureWarning, ImageError
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
        check_pixels(header.height, header.width, max_pixels)
        outcome = decode_known(data, header, keep_side=keep_side)
    except ImageError as error:
        error.remedy = error.remedy or _REMEDY
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
        if on_damaged is None:
            from edgefeat.messages.warn import warn_caller

            warn_caller(warning)
        else:
            on_damaged(warning)
    return outcome.pixels


def check_pixels(height: int, width: int, max_pixels: int) -> None:
    """Refuse a picture that claims too many pixels.

    Args:
        height: Rows that the header claims.
        width: Columns that the header claims.
        max_pixels: Largest product of both that is accepted.

    Raises:
        ImageError: It claims more than `max_pixels`. The error has no place.
    """
    if height * width > max_pixels:
        raise ImageError(
            f"{width}x{height} is {height * width} pixels, more than the limit of {max_pixels}",
            remedy="Shrink the picture, or raise {option} if it is meant.",
            option="max_pixels",
        )
