"""What is known of a picture before it is decoded."""

from __future__ import annotations

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.record import Record

__all__ = ["ImageHeader", "cut_off", "refused"]


class ImageHeader(Record):
    """What is known of a picture before it is decoded; each format adds what its decoder needs.

    Args:
        format: How it is encoded.
        height: In pixels, as stored.
        width: In pixels, as stored.
        orientation: The Exif value, 1 to 8, that is still to be undone after decoding; 1 where the
            decoder does it.
    """

    format: ImageFormat
    height: int
    width: int
    orientation: int = 1


def refused(variant: str, *, remedy: str = "Save it as JPEG or PNG.") -> ImageError:
    """Return the error for a variant of a format that no decoder here reads rightly.

    Args:
        variant: The whole kind, such as "a TIFF of floating-point numbers".
        remedy: What the user can do.
    """
    return ImageError(f"{variant}, which is not read", remedy=remedy)


def cut_off(announced: int, there: int) -> ImageError:
    """Return the error for a file that is shorter than its header says."""
    return ImageError(f"the file is truncated: {announced} bytes announced, {there} there")
