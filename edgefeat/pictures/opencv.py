"""OpenCV's decoder, and what it says while it decodes.

This is the one file that calls `cv2.imdecode` for a user's picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.errors import ImageError
from edgefeat.pictures.formats import ImageFormat
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.native_words import listening
from edgefeat.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["COLOUR", "Decoded", "decode", "described"]

COLOUR = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
"""Three channels of 8 or 16 bits, as stored: alpha is dropped, palettes become colours."""

_MOST_SHOWN = 120  # characters of a decoder's words in a message


class Decoded(Record):
    """What a decoder gave.

    Args:
        pixels: What OpenCV decoded: any depth, one to four channels, BGR.
        words: The lines that the decoder wrote to stderr.
    """

    pixels: NDArray[np.generic]
    words: list[str]


def described(header: ImageHeader) -> str:
    """Return a picture in words, such as "a PNG of 640x480"."""
    article = "an" if header.format is ImageFormat.AVIF else "a"
    return f"{article} {header.format} of {header.width}x{header.height}"


def decode(data: bytes, flags: int, header: ImageHeader) -> Decoded:
    """Decode a picture whose header was found sound.

    Args:
        data: The whole file.
        flags: The flags that `cv2.imdecode` takes.
        header: What the header says, for the message.

    Raises:
        ImageError: OpenCV gives no pixels. It has no place: the caller knows the picture's name.
    """
    failure: Exception | None = None
    with listening() as words:
        try:
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error as error:
            pixels, failure = None, error
    lines = words.lines
    if pixels is None:
        said = f" (the decoder says: {lines[-1][:_MOST_SHOWN]})" if lines else ""
        raise ImageError(
            f"{described(header)} that cannot be decoded: damaged, or of a rare kind{said}",
            remedy="Open and save it again, as JPEG or PNG.",
        ) from failure
    return Decoded(pixels=pixels, words=lines)
