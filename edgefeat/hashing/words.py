"""Bytes as words of 64 bits: of one text as Python's integers, of many of one length as arrays.

A hash is written once, on words. Python's integers never wrap, so every sum and product is cut to
64 bits by `MASK`; arrays of NumPy wrap by themselves, and the cut changes nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["MASK", "Alike", "Bytes", "OneText", "Word", "rotated"]

Word = Any
"""An int from 0 to 2**64 - 1, or uint64 `(N,)`."""
MASK = (1 << 64) - 1


class Bytes(Protocol):
    """What a hash reads: one text, or several of one length side by side."""

    @property
    def length(self) -> int:
        """How many bytes each text has."""

    def number(self, at: int, width: int) -> Word:
        """Return the little-endian number in `width` bytes from a position on.

        Args:
            at: Position of its first byte.
            width: 1, 4 or 8.
        """


class OneText:
    """One text as Python's integers.

    Args:
        data: What the text has as bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def number(self, at: int, width: int) -> int:
        """Return the little-endian number in `width` bytes from a position on."""
        return int.from_bytes(self._data[at : at + width], "little")


class Alike:
    """Texts of one length as arrays.

    Args:
        data: uint8 `(N, length)`.
    """

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data = data
        self.length = data.shape[1]

    def number(self, at: int, width: int) -> NDArray[np.uint64]:
        """Return the little-endian numbers in `width` bytes from a position on: uint64 `(N,)`."""
        part = np.ascontiguousarray(self._data[:, at : at + width])
        return part.view(f"<u{width}")[:, 0].astype(np.uint64)


def rotated(word: Word, right: int) -> Word:
    """Return a word turned to the right by 1 to 63 bits."""
    return ((word >> right) | (word << (64 - right))) & MASK
