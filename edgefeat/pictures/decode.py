"""Any accepted picture becomes one array of pixels: uint8, `(height, width, 3)`, BGR.

Encoded pictures are checked by their header before a decoder sees them. What the decoder leaves
undone is done here: alpha is laid on white, 16 bits become 8, Exif orientation is applied.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError
from edgefeat.model.spec import Colour
from edgefeat.pictures.header import HeaderError, ImageFormat, ImageHeader, read_header

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image as PILImage

__all__ = ["DEFAULT_MAX_PIXELS", "ImageInput", "Pixels", "describe", "load_bgr"]

Pixels: TypeAlias = NDArray[np.uint8]
ImageInput: TypeAlias = "str | Path | bytes | bytearray | memoryview | Pixels | PILImage"
DEFAULT_MAX_PIXELS = 100_000_000
# No encoding that is read needs more than this per pixel (PNG: four 16-bit channels, stored).
_MAX_BYTES_PER_PIXEL = 8
_BLEND_PIXELS = 2**18
_REDUCED_FLAGS = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
# What turns pixels stored under an Exif orientation upright (Exif 2.32, tag 0x0112).
_UPRIGHT: dict[int, Callable[[Any], Any]] = {
    2: lambda p: cv2.flip(p, 1),
    3: lambda p: cv2.rotate(p, cv2.ROTATE_180),
    4: lambda p: cv2.flip(p, 0),
    5: cv2.transpose,
    6: lambda p: cv2.rotate(p, cv2.ROTATE_90_CLOCKWISE),
    7: lambda p: cv2.flip(cv2.transpose(p), -1),
    8: lambda p: cv2.rotate(p, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def load_bgr(
    image: ImageInput,
    *,
    colour: Colour = Colour.BGR,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    keep_side: int | None = None,
) -> Pixels:
    """Return a picture's pixels: uint8 `(height, width, 3)`, BGR.

    Args:
        image: A path, an encoded picture's bytes, a PIL image, or an array: uint8 `(H, W)` grey,
            `(H, W, 1)` grey, `(H, W, 3)`, or `(H, W, 4)` with alpha last.
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
        return _decode(_read(path, max_pixels), path, max_pixels, keep_side)
    if isinstance(image, bytes | bytearray | memoryview):
        return _decode(bytes(image), describe(image), max_pixels, keep_side)
    if type(image).__module__.startswith("PIL."):
        return _from_pil(image, max_pixels)
    raise TypeError(
        "image: expected a path, bytes, a uint8 NumPy array or a PIL image, "
        f"got {type(image).__module__}.{type(image).__qualname__}"
    )


def describe(image: object) -> str:
    """Return a short name of a picture for messages."""
    if isinstance(image, str | os.PathLike):
        return os.fspath(image) if isinstance(image, str) else str(image)
    if isinstance(image, bytes | bytearray | memoryview):
        return f"<{len(image)} bytes>"
    if isinstance(image, np.ndarray):
        return f"<array {image.dtype} {image.shape}>"
    return f"<{type(image).__module__}.{type(image).__qualname__}>"


def _read(path: str, max_pixels: int) -> bytes:
    try:
        # Looked at before opening: opening a FIFO would wait for a writer for ever.
        found = os.stat(path)
        if stat.S_ISDIR(found.st_mode):
            raise ImageError(
                f"{path}: a folder, expected a picture. Use `edgefeat extract FOLDER`."
            )
        if not stat.S_ISREG(found.st_mode):
            raise ImageError(f"{path}: not a regular file. Save the picture to a file first.")
        limit = max_pixels * _MAX_BYTES_PER_PIXEL + 2**20
        if found.st_size > limit:
            raise ImageError(
                f"{path}: {found.st_size} bytes, more than a picture of {max_pixels} pixels can "
                "need. Raise max_pixels if it is meant."
            )
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file. Check the path{_url_hint(path)}.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ImageError(f"{path}: cannot be read: {reason}.") from error


def _url_hint(path: str) -> str:
    is_url = path.startswith(("http:/", "https:/"))
    return " (URLs are not fetched: download the picture, or pass its bytes)" if is_url else ""


def _decode(data: bytes, where: str, max_pixels: int, keep_side: int | None) -> Pixels:
    try:
        header = read_header(data)
    except HeaderError as error:
        raise ImageError(
            f"{where}: {error}. Check the file, or convert it to JPEG or PNG."
        ) from error
    if header.pixels > max_pixels:
        raise ImageError(
            f"{where}: {header.width}x{header.height} is {header.pixels} pixels, more than the "
            f"limit of {max_pixels}. Shrink the picture, or raise max_pixels if it is meant."
        )
    flags = _decode_flags(header, keep_side)
    pixels = _imdecode(data, flags, where, header)
    if flags != cv2.IMREAD_UNCHANGED:
        return _uint8(pixels)
    eight = _to_eight_bits(pixels, where)
    if header.format is ImageFormat.TIFF and eight.ndim == 3 and eight.shape[2] == 4:
        # OpenCV mixes up the two kinds of TIFF alpha, but its colour mode always multiplies by it.
        on_black = _imdecode(data, cv2.IMREAD_COLOR, where, header)
        return _uint8(cv2.add(_uint8(on_black), 255 - eight[..., [3, 3, 3]]))
    return _upright(_flatten(eight), header.orientation)


def _imdecode(data: bytes, flags: int, where: str, header: ImageHeader) -> NDArray[np.generic]:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(_damaged(where, header)) from error
    if pixels is None:
        raise ImageError(_damaged(where, header))
    return pixels


def _decode_flags(header: ImageHeader, keep_side: int | None) -> int:
    if header.format is ImageFormat.JPEG:
        shorter = min(header.height, header.width)
        factors = [f for f in _REDUCED_FLAGS if keep_side and shorter // f >= keep_side]
        return _REDUCED_FLAGS[max(factors)] if factors else cv2.IMREAD_COLOR
    if header.separated:  # CMYK: only the colour mode converts inks
        return cv2.IMREAD_COLOR
    return cv2.IMREAD_UNCHANGED  # keeps alpha and 16 bits, and leaves orientation to us


def _damaged(where: str, header: ImageHeader) -> str:
    return (
        f"{where}: a {header.format} of {header.width}x{header.height} that cannot be decoded: "
        "damaged, or of a rare kind. Open and save it again, as JPEG or PNG."
    )


def _to_eight_bits(pixels: NDArray[np.generic], where: str) -> Pixels:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    raise ImageError(
        f"{where}: {pixels.dtype} pixels, expected 8 or 16 bits per channel. "
        "Scale it to 0..255 yourself and pass a uint8 array."
    )


def _flatten(pixels: Pixels) -> Pixels:
    """Grey, BGR or BGRA to BGR, alpha laid on white."""
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return _uint8(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if pixels.shape[2] == 3:
        return pixels
    flat = np.empty((*pixels.shape[:2], 3), np.uint8)
    rows = max(1, _BLEND_PIXELS // pixels.shape[1])
    for top in range(0, len(pixels), rows):  # in strips: the products need four bytes a number
        strip = pixels[top : top + rows]
        alpha = strip[..., 3:].astype(np.uint32)
        blended = strip[..., :3] * alpha + 255 * (255 - alpha)
        flat[top : top + rows] = (blended + 127) // 255
    return flat


def _upright(pixels: NDArray[np.generic], orientation: int) -> Pixels:
    turned = _UPRIGHT[orientation](pixels) if orientation in _UPRIGHT else pixels
    return _uint8(turned)


def _uint8(pixels: NDArray[np.generic]) -> Pixels:
    """Say what cv2's loose stubs do not: these pixels are uint8 already."""
    return pixels.astype(np.uint8, copy=False)


def _from_array(array: NDArray[np.generic], colour: Colour) -> Pixels:
    shown = f"array {array.dtype} {array.shape}"
    if array.dtype != np.uint8:
        raise ImageError(
            f"<{shown}>: expected dtype uint8, values 0 to 255. For floats in 0..1 pass "
            "(x * 255).round().astype('uint8')."
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ImageError(
            f"<{shown}>: expected one picture of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4). "
            "For several pictures use extract_batch."
        )
    if 0 in array.shape:
        raise ImageError(f"<{shown}>: a picture without pixels. Check the crop or capture.")
    pixels = _flatten(array.astype(np.uint8, copy=False))
    grey = array.ndim == 2 or array.shape[2] == 1
    if colour is Colour.RGB and not grey:
        return _uint8(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return pixels


def _from_pil(image: PILImage, max_pixels: int) -> Pixels:
    from PIL import Image, ImageOps  # the caller has it: this is one of its images

    where = f"<PIL image {image.mode} {image.width}x{image.height}>"
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"{where}: more pixels than the limit of {max_pixels}. "
            "Shrink the picture, or raise max_pixels if it is meant."
        )
    try:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("I;16", "I;16L", "I;16B", "F", "I"):
            return _flatten(_to_eight_bits(np.asarray(upright), where))
        has_alpha = "A" in upright.getbands() or "transparency" in upright.info
        rgb = np.asarray(upright.convert("RGBA" if has_alpha else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{where}: Pillow cannot decode it: {error}.") from error
    return _from_array(rgb, Colour.RGB) if not has_alpha else _from_rgba(rgb)


def _from_rgba(rgba: Pixels) -> Pixels:
    return _uint8(cv2.cvtColor(_flatten(rgba), cv2.COLOR_RGB2BGR))
