"""Any accepted picture becomes one array of pixels: uint8, `(height, width, 3)`, BGR."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, TypeGuard

import cv2
import numpy as np

from edgefeat.errors import ImageError
from edgefeat.model.spec import Colour
from edgefeat.options.extractor import DEFAULT_MAX_PIXELS
from edgefeat.pictures import encoded
from edgefeat.pictures.files import describe, read_open, read_path, shown
from edgefeat.pictures.pixels import as_uint8, eight_bits, flattened

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image as PILImage

    from edgefeat.arrays import Pixels
    from edgefeat.pictures.encoded import OnDamaged

__all__ = ["ImageInput", "describe", "load_bgr"]

ImageInput: TypeAlias = (
    "str | Path | bytes | bytearray | memoryview | BinaryIO | NDArray[np.uint8] | "
    "NDArray[np.uint16] | PILImage"
)
_BYTES = (bytes, bytearray, memoryview)
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "F", "I")  # modes of PIL; the last two raise


def load_bgr(
    image: ImageInput,
    *,
    colour: Colour = Colour.BGR,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    keep_side: int | None = None,
    on_damaged: OnDamaged | None = None,
) -> Pixels:
    """Return a picture's pixels: uint8 `(height, width, 3)`, BGR.

    Args:
        image: A path, an encoded picture's bytes, a file opened in binary mode (read from where it
            stands, and left open), a PIL image, or an array: `(H, W)` grey, `(H, W, 1)` grey,
            `(H, W, 3)`, or `(H, W, 4)` with alpha last. Arrays are uint8, or uint16, which become
            8 bits as files of 16 bits do.
        colour: Channel order of an array; other inputs know theirs.
        max_pixels: Pictures that claim more are refused before decoding.
        keep_side: Lets a JPEG be decoded at 1/2, 1/4 or 1/8 scale while its shorter side stays at
            least this long. None: always at full scale. Arrays and PIL images come as they are.
        on_damaged: Called with a `DamagedPictureWarning` where a decoder reports damage and made up
            what is missing; the pixels are returned after it. What it raises is raised here. None:
            a Python warning.

    Raises:
        ImageError: It cannot be read, decoded or used; the message says what to do.
        TypeError: Not a kind of picture that is accepted.
    """
    if isinstance(image, np.ndarray):
        return _from_array(image, colour)
    if isinstance(image, str | os.PathLike):
        path = os.fspath(image)
        where = shown(path)
        data = read_path(path, where, max_pixels)
        return encoded.decode(data, where, max_pixels, keep_side, on_damaged)
    if isinstance(image, _BYTES):
        return encoded.decode(bytes(image), describe(image), max_pixels, keep_side, on_damaged)
    if _is_pil(image):
        return _from_pil(image, max_pixels)
    if image is None:
        raise ImageError(
            "expected a picture, got None",
            remedy="cv2.imread returns None where it cannot read the file: pass the path itself, "
            "and the message says what is wrong with it.",
        )
    if hasattr(image, "read"):
        where = describe(image)
        data = read_open(image, where, max_pixels)
        return encoded.decode(data, where, max_pixels, keep_side, on_damaged)
    raise TypeError(
        "image: expected a path, bytes, an open binary file, a NumPy array or a PIL image, "
        f"got {type(image).__module__}.{type(image).__qualname__}"
    )


def _is_pil(image: object) -> TypeGuard[PILImage]:
    return type(image).__module__.startswith("PIL.")


def _from_array(array: NDArray[Any], colour: Colour) -> Pixels:
    where = describe(array)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(
            "expected one picture of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)",
            where=where,
            remedy="For several pictures use extract_batch.",
        )
    if 0 in array.shape:
        raise ImageError(
            "a picture without pixels", where=where, remedy="Check the crop or capture."
        )
    pixels = flattened(eight_bits(array, where))
    grey = array.ndim == 2 or array.shape[2] == 1
    if colour is Colour.RGB and not grey:
        return as_uint8(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return pixels


def _from_pil(image: PILImage, max_pixels: int) -> Pixels:
    from PIL import Image, ImageOps  # the caller has it: this is one of its images

    where = f"<PIL image {image.mode} {image.width}x{image.height}>"
    try:
        encoded.check_pixels(image.height, image.width, max_pixels)
    except ImageError as error:
        raise error.within(where) from None
    try:
        turned = ImageOps.exif_transpose(image)
        if turned.mode in _SIXTEEN_BIT_MODES:
            return flattened(eight_bits(np.asarray(turned), where))
        has_alpha = "A" in turned.getbands() or "transparency" in turned.info
        array = np.asarray(turned.convert("RGBA" if has_alpha else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(
            f"Pillow cannot decode it: {error}",
            where=where,
            remedy="Check the file, or convert it to JPEG or PNG.",
        ) from error
    return _from_array(array, Colour.RGB)
