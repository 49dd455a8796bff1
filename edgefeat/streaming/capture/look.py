"""Looks at a live source's pictures: notices a new size, and a picture that stays the very same."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable

import numpy as np

from edgefeat.errors import ImageError
from edgefeat.pictures.decode import ImageInput
from edgefeat.pictures.headers import read_header
from edgefeat.sources.base import FrameError, Unconverted
from edgefeat.streaming.events import EventKind

__all__ = ["PictureWatch"]

_SAMPLE_STEP = 16  # pixels from one that is compared to the next, in each direction


class PictureWatch:
    """Compares each picture of a connection with the one before.

    Args:
        note: Called with what was noticed.
        frozen_s: How long a picture may stay the very same before it is called frozen.
    """

    def __init__(self, note: Callable[[EventKind, str], None], frozen_s: float) -> None:
        self._note, self._frozen_s = note, frozen_s
        self._size_hw: tuple[int, int] | None = None
        self._checksum = -1
        self._same_since = time.monotonic()
        self._frozen = False

    def at(self, image: ImageInput | Unconverted, *, where: str) -> None:
        """Look at the next picture of the source called `where`.

        Raises:
            FrameError: Encoded bytes without a sound header or end.
        """
        size_hw, checksum = _facts(image, where)
        self.at_size(size_hw)
        if checksum == self._checksum:
            self.at_the_same()
            return
        self._checksum, self._same_since = checksum, time.monotonic()
        if self._frozen:
            self._frozen = False
            self._note(EventKind.RECOVERED, "the picture changes again")

    def at_size(self, size_hw: tuple[int, int] | None) -> None:
        """Look at a picture's size; None if it is not known, or may be any."""
        if size_hw != self._size_hw:
            if self._size_hw is not None:
                self._note(EventKind.RESIZED, f"{_show(self._size_hw)} became {_show(size_hw)}")
            self._size_hw = size_hw

    def at_the_same(self) -> None:
        """Look at a picture that is the very same as the one before."""
        now = time.monotonic()
        if not self._frozen and now - self._same_since >= self._frozen_s:
            self._frozen = True
            self._note(EventKind.FROZEN, f"the very same picture for {self._frozen_s:g} s")


def _facts(image: ImageInput | Unconverted, where: str) -> tuple[tuple[int, int] | None, int]:
    """Return a picture's size, None if it is not known, and a checksum of (a sample of) it."""
    if isinstance(image, Unconverted):
        return image.size_hw, zlib.crc32(image.sample)
    if isinstance(image, np.ndarray):
        sample = image[::_SAMPLE_STEP, ::_SAMPLE_STEP]
        return (image.shape[0], image.shape[1]), zlib.crc32(sample.tobytes())
    if isinstance(image, bytes | bytearray | memoryview):
        try:
            header = read_header(bytes(image))
        except ImageError as error:
            problem = f"a frame of {len(image)} bytes: {error.problem}"
            raise FrameError(problem, where=where) from None
        return (header.height, header.width), zlib.crc32(image)
    return None, -1


def _show(size_hw: tuple[int, int] | None) -> str:
    return "unknown" if size_hw is None else f"{size_hw[1]}x{size_hw[0]}"
