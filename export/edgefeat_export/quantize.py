"""Integer arithmetic for a float graph: ONNX Runtime's static quantizer, told what we know.

Activations become uint8 and weights int8 with one scale per channel, as QuantizeLinear and
DequantizeLinear pairs, which every ONNX Runtime turns into its integer kernels at load.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

__all__ = ["quantize"]


def quantize(model: onnx.ModelProto, images: NDArray[np.uint8]) -> onnx.ModelProto:
    """Return the graph with int8 weights and uint8 activations.

    Args:
        model: A clean float graph with uint8 input.
        images: Calibration pictures, uint8 `(N, height, width, channels)`.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, quantized = (Path(folder) / f"{n}.onnx" for n in ("plain", "pre", "int8"))
        onnx.save(model, plain)
        # Symbolic shapes need sympy, and these graphs have none beyond the batch axis.
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.ERROR)  # it advises to run the pre-processing that has just run
        try:
            quantize_static(
                str(prepared),
                str(quantized),
                _Pictures(model.graph.input[0].name, images),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        finally:
            root.setLevel(level)
        return onnx.load(quantized)


class _Pictures(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, name: str, images: NDArray[np.uint8]) -> None:
        self._feeds = iter({name: image[np.newaxis]} for image in images)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._feeds, None)
