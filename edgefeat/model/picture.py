"""The picture that a graph takes, and the steps from a picture of any size to it."""

# Without `from __future__ import annotations`: `codec` reads these, and text would cost it 1 ms.

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from edgefeat.errors import OptionError
from edgefeat.record import Record

__all__ = [
    "Colour",
    "DecodePolicy",
    "InputSpec",
    "Interpolation",
    "ResizeMode",
    "ResizeSpec",
]

_LONGEST_SIDE = 16384
Extra = Mapping[str, Any]


class Colour(StrEnum):
    """Channel order of three-channel pixels, or the one channel of grey ones."""

    RGB = "rgb"
    BGR = "bgr"
    GREY = "grey"


class ResizeMode(StrEnum):
    """How a picture of any shape meets the network's fixed one."""

    STRETCH = "stretch"
    CENTER_CROP = "center_crop"
    LETTERBOX = "letterbox"


class Interpolation(StrEnum):
    """How pixels are resampled; `edgefeat.pictures.resize` has the exact arithmetic."""

    ANTIALIAS = "antialias"
    BILINEAR = "bilinear"


class DecodePolicy(StrEnum):
    """Whether a JPEG may be decoded at a reduced scale (never below 2.25 times the input size)."""

    FULL = "full"
    REDUCED = "reduced"


class ResizeSpec(Record):
    """The steps between a picture and the graph's input.

    Args:
        mode: How a picture of any shape meets the network's fixed one.
        interpolation: How pixels are resampled.
        decode: Whether a large JPEG may be decoded at a reduced scale.
        crop_fraction: Share of the largest window that is kept; used with `center_crop`.
        pad_value: Grey level beside the picture, 0 to 255; used with `letterbox`.
        extra: Keys that this version does not know.
    """

    mode: ResizeMode = ResizeMode.STRETCH
    interpolation: Interpolation = Interpolation.ANTIALIAS
    decode: DecodePolicy = DecodePolicy.REDUCED
    crop_fraction: float = 1.0
    pad_value: int = 127
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 < self.crop_fraction <= 1.0:
            raise OptionError(
                f"expected 0 < fraction <= 1, got {self.crop_fraction}", option="crop_fraction"
            )
        if not 0 <= self.pad_value <= 255:
            raise OptionError(f"expected 0 to 255, got {self.pad_value}", option="pad_value")


class InputSpec(Record):
    """A picture as the graph takes it: uint8 `(batch, height, width, channels)`, 0 to 255.

    Args:
        name: The input's name in the graph.
        size_hw: Height and width in pixels.
        colour: Channel order.
        resize: How a picture becomes that size.
        extra: Keys that this version does not know.
    """

    KIND = "image"
    name: str = "image"
    size_hw: tuple[int, int]
    colour: Colour = Colour.RGB
    resize: ResizeSpec = field(default_factory=ResizeSpec)
    extra: Extra = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(1 <= side <= _LONGEST_SIDE for side in self.size_hw):
            raise OptionError(
                f"expected sides of 1 to {_LONGEST_SIDE}, got {list(self.size_hw)}",
                option="size_hw",
            )

    @property
    def channels(self) -> int:
        """1 for grey input, else 3."""
        return 1 if self.colour is Colour.GREY else 3

    @property
    def tensor_type(self) -> str:
        """The input's type, in ONNX Runtime's words."""
        return "tensor(uint8)"
