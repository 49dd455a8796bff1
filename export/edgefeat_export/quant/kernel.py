"""What the integer kernels compute for one layer: whole sums, rounded once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.quant.scheme import Affine, IntegerLayer
from edgefeat_export.quant.windows import Windows

__all__ = ["IntegerKernel"]

_LARGEST_INPUT = 255
_FLOAT32_EXACT_BELOW = 2**24


class IntegerKernel:
    """One Conv, Gemm or MatMul on bytes.

    Args:
        windows: How the layer reads its input.
        layer: The integers of its weights and biases.
        source: What the bytes of its input mean.
        result: What those of its output mean; None leaves it real.
    """

    def __init__(
        self, windows: Windows, layer: IntegerLayer, source: Affine, result: Affine | None
    ) -> None:
        weight = windows.grouped(layer.weight, layer.axis)
        largest = np.abs(weight).sum(2).max() * _LARGEST_INPUT
        self._type: type[np.floating] = np.float32 if largest < _FLOAT32_EXACT_BELOW else np.float64
        self._windows, self._weight = windows, weight.astype(self._type)
        channels = (-1,) if windows.flat else (-1, 1, 1)
        self._bias = layer.bias.reshape(channels)
        self._zero_point, self._result = source.zero_point, result
        unit = np.float32(source.scale) * layer.scale
        self._unit = (unit if result is None else unit / np.float32(result.scale)).reshape(channels)

    def run(self, levels: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Return the output for an input's bytes.

        Args:
            levels: uint8 `(images, channels, height, width)`, or `(..., channels)` when flat.

        Returns:
            Bytes, uint8, if the output is quantized; real numbers, float32, if not.
        """
        x = levels.astype(self._type) - self._type(self._zero_point)
        sums = self._windows.sums(self._weight, x).astype(np.float64)
        sums += self._bias
        real = sums.astype(np.float32)
        real *= self._unit
        return real if self._result is None else self._result.saturate(real)
