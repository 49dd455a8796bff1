"""The frame that a bundle takes: how large it is, and how its bytes are laid out."""

# Without `from __future__ import annotations`: `codec` reads these, and text would cost it 1 ms.

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from edgefeat.errors import OptionError
from edgefeat.record import Record

__all__ = ["FRAME_INPUT", "SPEC_VERSION_WITH_FRAME", "FrameSpec", "PixelLayout"]

FRAME_INPUT = "frame"
SPEC_VERSION_WITH_FRAME = "2.0"
"""An edgefeat that knows no bundles refuses this version."""
_LONGEST_SIDE = 16384


class PixelLayout(StrEnum):
    """How the bytes of a raw frame are laid out.

    `nv12` has all of Y, then U and V in turns at half the width and height; `yuyv422` has Y U Y V
    for two pixels. Both are BT.601 in limited range, as OpenCV reads them.
    """

    RGB = "rgb"
    BGR = "bgr"
    RGBA = "rgba"
    NV12 = "nv12"
    YUYV422 = "yuyv422"

    def shape(self, size_hw: tuple[int, int]) -> tuple[int, int, int]:
        """Return the shape of a frame's bytes: `(rows, columns, values)`."""
        height, width = size_hw
        if self is PixelLayout.NV12:
            return height * 3 // 2, width, 1
        values = {PixelLayout.RGBA: 4, PixelLayout.YUYV422: 2}.get(self, 3)
        return height, width, values


class FrameSpec(Record):
    """A bundle's input: a raw frame, which the graph itself resizes for the network behind it.

    The graph's input is named `frame`: uint8 `(1, rows, columns, values)`, as `pixels.shape` says.

    Args:
        size_hw: Height and width of a frame.
        pixels: How a frame's bytes stand for pixels.
        core_content_sha256: Hash of graph and weights of the model that the resize was put in front
            of.
        core_fingerprint: Fingerprint of that model. Features of both may be compared.
        extra: Keys that this version does not know.
    """

    size_hw: tuple[int, int]
    pixels: PixelLayout
    core_content_sha256: str
    core_fingerprint: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(1 <= side <= _LONGEST_SIDE for side in self.size_hw):
            raise OptionError(
                f"expected sides of 1 to {_LONGEST_SIDE}, got {list(self.size_hw)}",
                option="size_hw",
            )
        height, width = self.size_hw
        pairs_of_columns = self.pixels in (PixelLayout.NV12, PixelLayout.YUYV422)
        pairs_of_rows = self.pixels is PixelLayout.NV12
        if (pairs_of_columns and width % 2) or (pairs_of_rows and height % 2):
            raise OptionError(
                f"expected even sides for {self.pixels}, which shares colours between pixels, "
                f"got {width} x {height}",
                option="size_hw",
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a frame's bytes: `(rows, columns, values)`."""
        return self.pixels.shape(self.size_hw)
