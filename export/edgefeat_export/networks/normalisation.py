"""How pixels become a backbone's input: one shift and one scale per colour channel."""

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["CAFFE", "IDENTITY", "LITE", "TF", "TF_128", "TORCH", "ColourOrder", "Normalisation"]

ColourOrder = Literal["rgb", "bgr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalisation:
    """`x_model = (x_uint8[..., colour order] - mean) / std`, in units of a 0..255 pixel.

    Numbers rather than a function or layers, so that the exporter can fold them into the graph.
    `mean` and `std` are in the order named by `colour`.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    colour: ColourOrder

    def __post_init__(self) -> None:
        if self.colour not in get_args(ColourOrder):
            raise ValueError(f"colour: expected 'rgb' or 'bgr', got {self.colour!r}")
        if len(self.mean) != 3 or not all(math.isfinite(value) for value in self.mean):
            raise ValueError(f"mean: expected 3 finite numbers, got {self.mean}")
        if len(self.std) != 3 or not all(0 < value < math.inf for value in self.std):
            raise ValueError(f"std: expected 3 finite numbers above 0, got {self.std}")

    def apply(self, pixels_rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn uint8 RGB (..., 3) or grey (..., 1) pixels into the backbone's float32 input."""
        pixels = pixels_rgb if self.colour == "rgb" else pixels_rgb[..., ::-1]
        channels = pixels.shape[-1]
        mean, std = np.asarray(self.mean[:channels]), np.asarray(self.std[:channels])
        scaled: NDArray[np.float64] = (pixels - mean) / std
        return scaled.astype(np.float32)


def _equal(mean: float, std: float) -> Normalisation:
    return Normalisation(mean=(mean, mean, mean), std=(std, std, std), colour="rgb")


IDENTITY: Final = _equal(0.0, 1.0)
TF: Final = _equal(127.5, 127.5)
TF_128: Final = _equal(128.0, 128.0)
LITE: Final = _equal(127.0, 128.0)
TORCH: Final = Normalisation(
    mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
    std=(0.229 * 255, 0.224 * 255, 0.225 * 255),
    colour="rgb",
)
CAFFE: Final = Normalisation(mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0), colour="bgr")
