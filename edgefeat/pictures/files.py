"""An encoded picture's bytes from a path or an open file, never more than a picture can need."""

from __future__ import annotations

import os
import stat
from typing import Any

import numpy as np

from edgefeat.errors import ImageError

__all__ = ["describe", "read_open", "read_path", "shown"]

# No encoding that is read needs more than this per pixel (PNG: four 16-bit channels, stored).
_MAX_BYTES_PER_PIXEL = 8
_MAX_BYTES_BESIDES = 2**20  # for headers, thumbnails and colour profiles
_READ_AT_ONCE = 2**20
_BYTES = (bytes, bytearray, memoryview)


def describe(image: object) -> str:
    """Return a short name of a picture for messages."""
    if isinstance(image, str | os.PathLike):
        return shown(image if isinstance(image, str) else str(image))
    if isinstance(image, _BYTES):
        return f"<{len(image)} bytes>"
    if isinstance(image, np.ndarray):
        return f"<array {image.dtype} {image.shape}>"
    name = getattr(image, "name", None) if hasattr(image, "read") else None
    if isinstance(name, str):
        return name
    return f"<{type(image).__module__}.{type(image).__qualname__}>"


def shown(path: str) -> str:
    """Return a path as messages may show it: a URL that was given for one without its password."""
    scheme, colon, rest = path.partition(":/")
    if not colon or not scheme.isalpha():
        return path
    from edgefeat.messages.redact import redact

    return redact(f"{scheme}://{rest.lstrip('/')}")  # pathlib makes one slash of two


def read_path(path: str, where: str, max_pixels: int) -> bytes:
    """Read a regular file.

    Args:
        path: The file.
        where: Name of the file in messages, without a password.
        max_pixels: Files longer than so many pixels can need are refused.

    Raises:
        ImageError: There is no such file, it cannot be read, is no file, or is too long.
    """
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


def read_open(file: Any, where: str, max_pixels: int) -> bytes:
    """Read a file that the caller has opened, from where it stands to its end.

    Args:
        file: Opened in binary mode; it is left open.
        where: Name of the file in messages.
        max_pixels: Files longer than so many pixels can need are refused.

    Raises:
        ImageError: It cannot be read, or is too long.
        TypeError: It is opened as text.
    """
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
    if not length and _stands_at(file):
        raise ImageError(
            f"nothing is left to read: the open file stands at its end, byte {_stands_at(file)}",
            where=where,
            remedy="Go back to the picture's beginning with `file.seek(0)`.",
        )
    return b"".join(parts)


def _stands_at(file: Any) -> int:
    """Return where an open file stands; 0 if it cannot say."""
    try:
        return int(file.tell())
    except (AttributeError, OSError, ValueError):
        return 0


def _most_bytes(max_pixels: int) -> int:
    return max_pixels * _MAX_BYTES_PER_PIXEL + _MAX_BYTES_BESIDES


def _too_long(length: str, where: str, max_pixels: int) -> ImageError:
    return ImageError(
        f"{length}, more than a picture of {max_pixels} pixels can need",
        where=where,
        remedy="Raise {option} if it is meant.",
        option="max_pixels",
    )
