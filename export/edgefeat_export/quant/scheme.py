"""What a quantized number means: uint8 activations with a zero point, int8 weights per channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Affine", "IntegerLayer"]

_HIGHEST_LEVEL = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Affine:
    """What bytes mean: `real = scale * (uint8 - zero_point)`, as in QuantizeLinear.

    Attributes:
        scale: What one level stands for.
        zero_point: The level that stands for zero.
    """

    scale: float
    zero_point: int

    @classmethod
    def over(cls, low: float, high: float) -> Affine:
        """Return the parameters that cover `low` to `high`, with a level that is exactly zero."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = float(np.float32((high - low) / _HIGHEST_LEVEL)) or 1.0
        zero_point = int(np.clip(np.rint(-low / scale), 0, _HIGHEST_LEVEL))
        return cls(scale=scale, zero_point=zero_point)

    def quantize(self, real: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the levels nearest to real numbers; halves go to even, as in QuantizeLinear."""
        return self.saturate(real / np.float32(self.scale))

    def saturate(self, multiples: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the levels nearest to multiples of the scale."""
        levels = np.rint(multiples)
        levels += self.zero_point
        saturated: NDArray[np.uint8] = np.clip(levels, 0, _HIGHEST_LEVEL, out=levels).astype(
            np.uint8
        )
        return saturated

    def dequantize(self, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the real numbers that these levels stand for."""
        real = levels.astype(np.float32)
        real -= np.float32(self.zero_point)
        real *= np.float32(self.scale)
        return real


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerLayer:
    """The integers of one Conv, Gemm or MatMul.

    Attributes:
        weight: int8, shaped as the float weight was.
        scale: float32 `(out,)`, one per output channel.
        bias: int32 `(out,)`, in units of `scale` times the input's scale.
        axis: The output channels' axis in `weight`.
    """

    weight: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.int32]
    axis: int

    def real_weight(self) -> NDArray[np.float32]:
        """Return the weight as the integer kernels see it."""
        shape = [1] * self.weight.ndim
        shape[self.axis] = -1
        return self.weight * self.scale.reshape(shape)
