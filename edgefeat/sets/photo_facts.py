"""What a picture's file tells without decoding it: pixels, bytes and date."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgefeat.errors import ImageError

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["PhotoFacts", "facts_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFacts:
    """What a picture's file tells.

    Attributes:
        size_hw: Height and width in pixels, as stored.
        size_bytes: How long the file is.
        changed_s: When the file was changed last: Unix time, in seconds.
    """

    size_hw: SizeHw
    size_bytes: int
    changed_s: float

    @property
    def pixels(self) -> int:
        """How many pixels the picture has."""
        return self.size_hw[0] * self.size_hw[1]


def facts_of(path: str) -> PhotoFacts | None:
    """Return what a picture's file tells; None where there is no such file, or no picture in it."""
    from edgefeat.pictures.headers import read_header  # which loads OpenCV

    try:
        with open(path, "rb") as file:  # noqa: PTH123 - thousands of them: no Path objects
            status = os.fstat(file.fileno())
            header = read_header(file.read())
    except (OSError, ValueError, ImageError):  # ValueError: a name with a zero byte
        return None
    return PhotoFacts(
        size_hw=(header.height, header.width),
        size_bytes=status.st_size,
        changed_s=status.st_mtime,
    )
