"""A picture made small enough to stand in a page by the thousand."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final

import cv2

from edgefeat.errors import ImageError
from edgefeat.many.in_order import map_in_order
from edgefeat.pictures.decode import load_bgr

__all__ = ["SIDE", "Thumbnail", "make_thumbnails"]

SIDE: Final = 240
"""The longer side of a thumbnail, in pixels."""

_MOST_BYTES = 14_000  # in a JPEG: 2,000 of them stay below 40 MB as text
_QUALITIES = (75, 60, 45, 30)
_WORKERS, _AHEAD = 2, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small JPEG.

    Attributes:
        width: In pixels.
        height: In pixels.
        jpeg: The encoded picture.
    """

    width: int
    height: int
    jpeg: bytes

    @property
    def uri(self) -> str:
        """The picture as an address that holds it."""
        return f"data:image/jpeg;base64,{b64encode(self.jpeg).decode()}"


def make_thumbnails(
    paths: Iterable[str], *, side: int = SIDE, most_bytes: int = _MOST_BYTES
) -> Generator[Thumbnail | None, None, None]:
    """Yield a thumbnail for each picture file, in order; None where it cannot be read.

    Args:
        paths: The picture files.
        side: The longer side of each thumbnail, in pixels.
        most_bytes: A longer JPEG is compressed harder.
    """
    make = partial(_thumbnail, side=side, most_bytes=most_bytes)
    yield from map_in_order(make, paths, workers=_WORKERS, ahead=_AHEAD)


def _thumbnail(path: str, *, side: int, most_bytes: int) -> Thumbnail | None:
    try:
        # A damaged picture is shown as far as it goes.
        pixels = load_bgr(path, keep_side=side, on_damaged=lambda _warning: None)
    except (ImageError, ValueError):  # ValueError: a name with a zero byte
        return None
    height, width = pixels.shape[:2]
    shrink = min(1.0, side / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    jpeg = b""
    for quality in _QUALITIES:
        jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(jpeg) <= most_bytes:
            break
    return Thumbnail(width=size[0], height=size[1], jpeg=jpeg)
