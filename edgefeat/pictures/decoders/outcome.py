"""What decoding a picture gives: pixels, and what the decoder has to say about damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgefeat.record import Record

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["Outcome"]


class Outcome(Record):
    """What decoding gave.

    Args:
        pixels: uint8 `(height, width, 3)`, BGR, upright, on white.
        damage: What is wrong with the file though it gave pixels, in words that follow "a damaged
            JPEG: "; None if nothing is.
    """

    pixels: Pixels
    damage: str | None = None
