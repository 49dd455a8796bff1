"""Photos and eight changes of each, as people make them: what near-duplicates look like.

Only whole-number arithmetic, edgefeat's own resize and JPEG are used, so that the copies are the
same on every CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np

from edgefeat.arrays import Pixels
from edgefeat.errors import ImageError
from edgefeat.listing.listing import expand
from edgefeat.model.shipped import sample_photos
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.resize import antialias
from edgefeat_export.proof.calibration import packaged_photos

__all__ = ["CHANGES", "PHOTOS", "Photo", "changed", "photos"]

Photo = tuple[int, Pixels]
"""Which picture a photo was cut from, and its pixels: uint8 `(height, width, 3)`, BGR."""

PHOTOS: Final = 48
"""How many photos are changed, at most."""
_LONGEST_SIDE = 800
_SEED = 3
_WHITE = 255


def photos(folder: Path | None, *, say: Callable[[str], None]) -> Iterator[Photo]:
    """Yield photos: of a folder, evenly spread, or windows of the photos that packages ship.

    Args:
        folder: Where the user's pictures are; those that cannot be read are left out. None takes
            packages' photos and edgefeat's own.
        say: Takes a line on what was left out.
    """
    if folder is not None:
        yield from _of_folder(folder, say)
        return
    draw = np.random.default_rng(_SEED)
    frames = [_shrunk(load_bgr(path)) for path in (*packaged_photos(), *sample_photos())]
    for number in range(PHOTOS):
        which = number % len(frames)
        yield which, frames[which] if number < len(frames) else _window(frames[which], draw)


def _of_folder(folder: Path, say: Callable[[str], None]) -> Iterator[Photo]:
    files = expand(str(folder))
    count = min(len(files), PHOTOS)
    unreadable: list[ImageError] = []
    for number in range(count):
        try:
            photo = load_bgr(files[number * len(files) // count], keep_side=_LONGEST_SIDE)
        except ImageError as error:
            unreadable.append(error.with_traceback(None))
            continue
        yield number, _shrunk(photo)
    if unreadable:
        say(
            f"note: {len(unreadable)} of {count} photos cannot be read and are left out, such as "
            f"{unreadable[0]}"
        )


def changed(photo: Pixels, change: str) -> Pixels:
    """Return a changed copy of a photo: uint8 `(height, width, 3)`, BGR, as the photo is.

    Args:
        photo: The photo; not changed.
        change: Name of the change, one of `CHANGES`.
    """
    return CHANGES[change](photo)


def _shrunk(photo: Pixels) -> Pixels:
    height, width = photo.shape[:2]
    share = min(1.0, _LONGEST_SIDE / max(height, width))
    return antialias(photo, (max(1, round(height * share)), max(1, round(width * share))))


def _window(frame: Pixels, draw: np.random.Generator) -> Pixels:
    height, width = frame.shape[:2]
    share = draw.uniform(0.7, 0.95)
    high, wide = int(height * share), int(width * share)
    top, left = int(draw.integers(height - high + 1)), int(draw.integers(width - wide + 1))
    return np.ascontiguousarray(frame[top : top + high, left : left + wide])


def _jpeg(photo: Pixels, quality: int) -> Pixels:
    encoded = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return load_bgr(encoded.tobytes())


def _half(photo: Pixels) -> Pixels:
    height, width = photo.shape[:2]
    return _jpeg(antialias(photo, (max(1, height // 2), max(1, width // 2))), 90)


def _cropped(photo: Pixels, share: float) -> Pixels:
    """Take a share of the area away, a third of it on the left and above."""
    height, width = photo.shape[:2]
    side = 1 - (1 - share) ** 0.5
    top, left = int(height * side / 3), int(width * side / 3)
    kept = photo[top : top + int(height * (1 - side)), left : left + int(width * (1 - side))]
    return _jpeg(np.ascontiguousarray(kept), 90)


def _mirrored(photo: Pixels) -> Pixels:
    return _jpeg(np.ascontiguousarray(photo[:, ::-1]), 90)


def _brighter(photo: Pixels) -> Pixels:
    return _jpeg(np.minimum(photo.astype(np.uint16) * 5 // 4, _WHITE).astype(np.uint8), 90)


def _overlaid(photo: Pixels) -> Pixels:
    """Write across the middle, in white letters a tenth of the picture high."""
    height, width = photo.shape[:2]
    written = photo.copy()
    scale, thick = min(height, width) / 400 * 1.5, max(1, round(min(height, width) / 130))
    place, font = (width // 40, height // 2), cv2.FONT_HERSHEY_SIMPLEX
    white = (_WHITE, _WHITE, _WHITE)
    cv2.putText(written, "(c) sample", place, font, scale, white, thick)
    return _jpeg(written, 90)


CHANGES: Final[Mapping[str, Callable[[Pixels], Pixels]]] = MappingProxyType(
    {
        "JPEG of quality 75": lambda photo: _jpeg(photo, 75),
        "JPEG of quality 30": lambda photo: _jpeg(photo, 30),
        "half the size": _half,
        "5 % of the area cropped": lambda photo: _cropped(photo, 0.05),
        "20 % of the area cropped": lambda photo: _cropped(photo, 0.20),
        "mirrored": _mirrored,
        "a quarter brighter": _brighter,
        "written on": _overlaid,
    }
)
"""The changes by name."""
