"""Any accepted picture becomes one array of pixels: uint8, `(height, width, 3)`, BGR.

Encoded pictures are checked by their header before a decoder sees them. This is the one file that
calls OpenCV's decoder; `pixels` does what the decoder leaves undone.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, TypeGuard

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError
from edgefeat.model.spec import Colour
from edgefeat.options.extractor import DEFAULT_MAX_PIXELS
from edgefeat.pictures.header import ImageFormat, ImageHeader, read_header
from edgefeat.pictures.pixels import as_uint8, eight_bits, flattened, upright

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image as PILImage

    from edgefeat.arrays import Pixels

__all__ = ["ImageInput", "describe", "load_bgr"]

ImageInput: TypeAlias = (
    "str | Path | bytes | bytearray | memoryview | BinaryIO | NDArray[np.uint8] | "
    "NDArray[np.uint16] | PILImage"
)
# No encoding that is read needs more than this per pixel (PNG: four 16-bit channels, stored).
_MAX_BYTES_PER_PIXEL = 8
_MAX_BYTES_BESIDES = 2**20  # for headers, thumbnails and colour profiles
_READ_AT_ONCE = 2**20
_REDUCED_FLAGS = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_BYTES = (bytes, bytearray, memoryview)
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "F", "I")  # of PIL; the last two raise


def load_bgr(
    image: ImageInput,
    *,
    colour: Colour = Colour.BGR,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    keep_side: int | None = None,
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
            least this long. None: always at full scale.

    Raises:
        ImageError: It cannot be read, decoded or used; the message says what to do.
        TypeError: Not a kind of picture that is accepted.
    """
    if isinstance(image, np.ndarray):
        return _from_array(image, colour)
    if isinstance(image, str | os.PathLike):
        path = os.fspath(image)
        where = _shown(path)
        return _decode(_read(path, where, max_pixels), where, max_pixels, keep_side)
    if isinstance(image, _BYTES):
        return _decode(bytes(image), describe(image), max_pixels, keep_side)
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
        return _decode(_read_open(image, where, max_pixels), where, max_pixels, keep_side)
    raise TypeError(
        "image: expected a path, bytes, an open binary file, a NumPy array or a PIL image, "
        f"got {type(image).__module__}.{type(image).__qualname__}"
    )


def _is_pil(image: object) -> TypeGuard[PILImage]:
    return type(image).__module__.startswith("PIL.")


def describe(image: object) -> str:
    """Return a short name of a picture for messages."""
    if isinstance(image, str | os.PathLike):
        return _shown(image if isinstance(image, str) else str(image))
    if isinstance(image, _BYTES):
        return f"<{len(image)} bytes>"
    if isinstance(image, np.ndarray):
        return f"<array {image.dtype} {image.shape}>"
    name = getattr(image, "name", None) if hasattr(image, "read") else None
    if isinstance(name, str):
        return name
    return f"<{type(image).__module__}.{type(image).__qualname__}>"


def _shown(path: str) -> str:
    """Return a path as messages may show it: a URL that was given for one without its password."""
    scheme, colon, rest = path.partition(":/")
    if not colon or not scheme.isalpha():
        return path
    from edgefeat.messages.redact import redact

    return redact(f"{scheme}://{rest.lstrip('/')}")  # pathlib makes one slash of two


def _read(path: str, where: str, max_pixels: int) -> bytes:
    try:
        # Looked at before opening: opening a FIFO would wait for a writer for ever.
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise ImageError(
                "a folder, expected a picture",
                where=where,
                remedy="For a folder use `edgefeat.extract_folder`, or `edgefeat extract FOLDER`.",
            )
        if not stat.S_ISREG(found.st_mode):
            raise ImageError(
                "not a regular file", where=where, remedy="Save the picture to a file first."
            )
        if found.st_size > _most_bytes(max_pixels):
            raise _too_long(f"{found.st_size} bytes", where, max_pixels)
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise ImageError("no such file", where=where, remedy=_how_to_find(where)) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ImageError(f"cannot be read: {reason}", where=where) from error


def _how_to_find(where: str) -> str:
    if where.startswith(("http://", "https://")):
        return "URLs are not fetched: download the picture, or pass its bytes."
    if "://" in where:
        return "For the frames of a camera use `edgefeat.stream`, or `edgefeat stream URL`."
    return "Check the path."


def _read_open(file: Any, where: str, max_pixels: int) -> bytes:
    """Read a file that the caller has opened, from where it stands to its end."""
    parts, length = [], 0
    try:
        while part := file.read(_READ_AT_ONCE):
            if not isinstance(part, bytes):
                raise TypeError(
                    f"image: expected a file opened in binary mode, got one that reads "
                    f"{type(part).__name__}. Open it with mode 'rb'."
                )
            parts.append(part)
            length += len(part)
            if length > _most_bytes(max_pixels):
                raise _too_long(f"more than {length - 1} bytes", where, max_pixels)
    except (OSError, ValueError) as error:  # ValueError: closed
        raise ImageError(
            f"cannot be read: {error}", where=where, remedy="Open it again, with mode 'rb'."
        ) from error
    return b"".join(parts)


def _most_bytes(max_pixels: int) -> int:
    return max_pixels * _MAX_BYTES_PER_PIXEL + _MAX_BYTES_BESIDES


def _too_long(length: str, where: str, max_pixels: int) -> ImageError:
    return ImageError(
        f"{length}, more than a picture of {max_pixels} pixels can need",
        where=where,
        remedy="Raise {option} if it is meant.",
        option="max_pixels",
    )


def _check_pixels(height: int, width: int, where: str, max_pixels: int) -> None:
    if height * width > max_pixels:
        raise ImageError(
            f"{width}x{height} is {height * width} pixels, more than the limit of {max_pixels}",
            where=where,
            remedy="Shrink the picture, or raise {option} if it is meant.",
            option="max_pixels",
        )


def _decode(data: bytes, where: str, max_pixels: int, keep_side: int | None) -> Pixels:
    try:
        header = read_header(data)
    except ImageError as error:
        remedy = error.remedy or "Check the file, or convert it to JPEG or PNG."
        raise ImageError(error.problem, where=where, remedy=remedy) from error
    _check_pixels(header.height, header.width, where, max_pixels)
    flags = _decode_flags(header, keep_side)
    pixels = _imdecode(data, flags, where, header)
    if flags != cv2.IMREAD_UNCHANGED:
        return as_uint8(pixels)
    eight = eight_bits(pixels, where)
    if header.format is ImageFormat.TIFF and eight.ndim == 3 and eight.shape[2] == 4:
        # OpenCV mixes up the two kinds of TIFF alpha, but its colour mode always multiplies by it.
        on_black = _imdecode(data, cv2.IMREAD_COLOR, where, header)
        return as_uint8(cv2.add(as_uint8(on_black), 255 - eight[..., [3, 3, 3]]))
    return upright(flattened(eight), header.orientation)


def _imdecode(data: bytes, flags: int, where: str, header: ImageHeader) -> NDArray[np.generic]:
    failure: Exception | None = None
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        pixels, failure = None, error
    if pixels is None:
        raise ImageError(
            f"a {header.format} of {header.width}x{header.height} that cannot be decoded: damaged, "
            "or of a rare kind",
            where=where,
            remedy="Open and save it again, as JPEG or PNG.",
        ) from failure
    return pixels


def _decode_flags(header: ImageHeader, keep_side: int | None) -> int:
    if header.format is ImageFormat.JPEG:
        shorter = min(header.height, header.width)
        factors = [f for f in _REDUCED_FLAGS if keep_side and shorter // f >= keep_side]
        return _REDUCED_FLAGS[max(factors)] if factors else cv2.IMREAD_COLOR
    if header.separated:  # CMYK: only the colour mode converts inks
        return cv2.IMREAD_COLOR
    return cv2.IMREAD_UNCHANGED  # keeps alpha and 16 bits, and leaves orientation to us


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
    _check_pixels(image.height, image.width, where, max_pixels)
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
