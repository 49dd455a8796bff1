"""Where a picture meets the network's input: which part is taken, and which part it fills.

Sizes are (height, width).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgefeat.record import Record

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["Window", "centre", "fitted"]


class Window(Record):
    """A rectangle inside a picture.

    Args:
        top: First row.
        left: First column.
        size_hw: Height and width.
    """

    top: int
    left: int
    size_hw: SizeHw

    @property
    def rows(self) -> slice:
        """The rows."""
        return slice(self.top, self.top + self.size_hw[0])

    @property
    def columns(self) -> slice:
        """The columns."""
        return slice(self.left, self.left + self.size_hw[1])


def centre(size_hw: SizeHw, target_hw: SizeHw, fraction: float) -> Window:
    """Return the largest centred window of the target's shape, times `fraction`.

    Args:
        size_hw: The picture's height and width.
        target_hw: The target's.
        fraction: Above 0, at most 1.
    """
    (height, width), (target_h, target_w) = size_hw, target_hw
    scale = min(height / target_h, width / target_w) * fraction
    crop_h = min(height, max(1, round(target_h * scale)))
    crop_w = min(width, max(1, round(target_w * scale)))
    return Window(top=(height - crop_h) // 2, left=(width - crop_w) // 2, size_hw=(crop_h, crop_w))


def fitted(size_hw: SizeHw, target_hw: SizeHw) -> Window:
    """Return the window of the target that the whole picture fills, centred.

    Args:
        size_hw: The picture's height and width.
        target_hw: The target's.
    """
    (height, width), (target_h, target_w) = size_hw, target_hw
    scale = min(target_h / height, target_w / width)
    inner_h = min(target_h, max(1, round(height * scale)))
    inner_w = min(target_w, max(1, round(width * scale)))
    top, left = (target_h - inner_h) // 2, (target_w - inner_w) // 2
    return Window(top=top, left=left, size_hw=(inner_h, inner_w))
