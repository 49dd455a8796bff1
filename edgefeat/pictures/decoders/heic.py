"""HEIC through pillow-heif, an extra: `pip install 'edgefeat[heif]'`."""

from __future__ import annotations

import io

import numpy as np

from edgefeat.errors import ImageError
from edgefeat.pictures import opencv
from edgefeat.pictures.codecs import how_to_read
from edgefeat.pictures.decoders.outcome import Outcome
from edgefeat.pictures.headers.base import ImageHeader
from edgefeat.pictures.native_words import listening
from edgefeat.pictures.pixels import eight_bits, flattened

__all__ = ["decode_heic"]


def decode_heic(data: bytes, header: ImageHeader) -> Outcome:
    """Decode the first picture; libheif turns it upright itself.

    Raises:
        ImageError: The picture is damaged, or of a kind that is not read.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError(
            f"{opencv.described(header)}, and pillow-heif cannot be loaded: {error}",
            remedy=how_to_read(header.format),
        ) from error
    with listening() as words:
        try:
            file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True, bgr_mode=True)
            if not len(file):
                raise ValueError("it holds no picture")
            pixels = np.array(file)  # a copy: the buffer goes with the file in older versions
        except (OSError, SyntaxError, ValueError, RuntimeError, EOFError) as error:
            said = " ".join(str(error).split()).rstrip(".")
            raise ImageError(
                f"{opencv.described(header)} that cannot be decoded: {said}",
                remedy="Open and save it again, as JPEG or PNG.",
            ) from error
    damage = f'its decoder says "{words.lines[0]}"' if words.lines else None
    return Outcome(pixels=flattened(eight_bits(pixels)), damage=damage)
