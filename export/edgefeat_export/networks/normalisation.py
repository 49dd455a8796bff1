"""How pixels become a backbone's input: one shift and one scale for each colour channel."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ModelError, OptionError
from edgefeat.model.spec import ModelSpec

__all__ = [
    "CAFFE",
    "IDENTITY",
    "LITE",
    "NORMALISATIONS",
    "TF",
    "TF_128",
    "TORCH",
    "ColourOrder",
    "Normalisation",
]

ColourOrder = Literal["rgb", "bgr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """`x_model = (x_uint8[..., colour order] - mean) / std`, in units of a 0..255 pixel.

    Numbers rather than a function or layers, so that the exporter can fold them into the graph.

    Attributes:
        mean: One number for each channel, in the order of `colour`.
        std: One number above 0 for each channel, in the order of `colour`.
        colour: The channel order that the network expects.
        opaque: Whether the network takes alpha behind the colours, which is then 255 everywhere,
            shifted and scaled as they are.

    Raises:
        OptionError: A number or the colour order makes no sense.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    colour: ColourOrder = "rgb"
    opaque: bool = False

    def __post_init__(self) -> None:
        if self.colour not in get_args(ColourOrder):
            raise OptionError(f"expected 'rgb' or 'bgr', got {self.colour!r}", option="colour")
        if len(self.mean) != 3 or not all(math.isfinite(value) for value in self.mean):
            raise OptionError(f"expected 3 finite numbers, got {self.mean}", option="mean")
        if len(self.std) != 3 or not all(0 < value < math.inf for value in self.std):
            raise OptionError(f"expected 3 finite numbers above 0, got {self.std}", option="std")
        if self.opaque and not (
            len({*self.mean}) == len({*self.std}) == 1 and self.colour == "rgb"
        ):
            raise OptionError(
                "takes one mean and one deviation for all channels, got"
                f" mean {self.mean} and deviation {self.std}",
                option="opaque",
                remedy="Put the scaling into the model, or name it with one number each.",
            )

    @classmethod
    def from_range(cls, low: float, high: float) -> Self:
        """Return what scales pixels 0..255 to `low`..`high`.

        Raises:
            OptionError: `high` is not above `low`.
        """
        if not -math.inf < low < high < math.inf:
            raise OptionError(
                f"expected two numbers, the second above the first, got {low:g},{high:g}",
                option="input_range",
            )
        std = 255 / (high - low)
        return cls(mean=(-low * std,) * 3, std=(std,) * 3)

    @classmethod
    def parse(cls, text: str) -> Normalisation:
        """Read `tf`, `caffe`, `torch`, `none`, or `MEAN/STD` in units of 0..255.

        MEAN and STD are one number for all channels, or three with commas: red, green, blue.

        Raises:
            OptionError: It is none of these.
        """
        if text in NORMALISATIONS:
            return NORMALISATIONS[text]
        mean, _, std = text.partition("/")
        try:
            means, stds = _three(mean), _three(std)
        except ValueError as error:
            raise OptionError(
                f"expected {', '.join(NORMALISATIONS)}, or MEAN/STD with one or three numbers"
                f" each, got {text!r}",
                option="normalisation",
            ) from error
        return cls(mean=means, std=stds)

    @classmethod
    def recorded_in(cls, spec: ModelSpec, *, where: Path) -> Self | None:
        """Return what `as_record` wrote into a file's spec; None where it is not there.

        Args:
            spec: The file's spec.
            where: The file, for messages.

        Raises:
            ModelError: What is there is no normalisation.
        """
        values = spec.source.extra.get("normalisation")
        if values is None:
            return None
        try:
            red, green, blue = values["mean"]
            std_red, std_green, std_blue = values["std"]
            return cls(
                mean=(red, green, blue),
                std=(std_red, std_green, std_blue),
                colour=values["colour"],
                opaque=values.get("opaque", False) is True,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"source.normalisation: expected mean, std and colour, got {values!r}",
                where=where,
                remedy="Export the model again with `edgefeat-export build`.",
            ) from error

    def describe(self) -> str:
        """Return for people what becomes of a pixel of 0..255."""
        if self.opaque:
            return f"{replace(self, opaque=False).describe()}, with alpha behind, opaque everywhere"
        if self == IDENTITY:
            return "as they are, 0 to 255"
        low, high = (
            tuple((value - mean) / std for mean, std in zip(self.mean, self.std, strict=True))
            for value in (0, 255)
        )
        order = "" if self.colour == "rgb" else ", in the order blue, green, red"
        if len(set(low)) == len(set(high)) == 1:
            return f"scaled to {low[0]:.4g} to {high[0]:.4g}{order}"
        mean, std = (" ".join(f"{n:.6g}" for n in numbers) for numbers in (self.mean, self.std))
        return f"as (pixel - mean) / deviation, mean {mean}, deviation {std}{order}"

    def as_record(self) -> dict[str, Any]:
        """Return the numbers as plain values, for the spec."""
        numbers = {"mean": list(self.mean), "std": list(self.std), "colour": self.colour}
        return numbers | {"opaque": True} if self.opaque else numbers

    def apply(self, pixels_rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the network's input for pixels.

        Args:
            pixels_rgb: uint8, RGB (..., 3) or grey (..., 1).

        Returns:
            float32 of the same shape; with alpha behind, if the network takes it.
        """
        pixels = pixels_rgb if self.colour == "rgb" else pixels_rgb[..., ::-1]
        channels = pixels.shape[-1]
        mean, std = np.asarray(self.mean[:channels]), np.asarray(self.std[:channels])
        if self.opaque:
            pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], -1)
            mean, std = mean[:1], std[:1]
        scaled: NDArray[np.float64] = (pixels - mean) / std
        return scaled.astype(np.float32)


def _three(text: str) -> tuple[float, float, float]:
    numbers = [float(number) for number in text.split(",")]
    first, second, third = numbers * 3 if len(numbers) == 1 else numbers
    return first, second, third


def _equal(mean: float, std: float) -> Normalisation:
    return Normalisation(mean=(mean, mean, mean), std=(std, std, std))


IDENTITY: Final = _equal(0.0, 1.0)
TF: Final = _equal(127.5, 127.5)
TF_128: Final = _equal(128.0, 128.0)
LITE: Final = _equal(127.0, 128.0)
TORCH: Final = Normalisation(
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255), std=(0.229 * 255, 0.224 * 255, 0.225 * 255)
)
CAFFE: Final = Normalisation(mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0), colour="bgr")

NORMALISATIONS: Final = {"tf": TF, "caffe": CAFFE, "torch": TORCH, "none": IDENTITY}
"""Keras's modes by their names in `preprocess_input`, and raw pixels."""
