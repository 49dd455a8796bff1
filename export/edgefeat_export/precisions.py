"""From the float graph to each precision: the one place that knows what a precision does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.half import with_half_weights
from edgefeat_export.quantize import quantize
from edgefeat_export.reduction import Reduction

__all__ = ["PRECISIONS", "at_precision"]

PRECISIONS: Final = ("fp32", "fp16", "int8")


def at_precision(
    fp32: onnx.ModelProto,
    precision: str,
    *,
    reduction: Reduction,
    calibration: Callable[[], NDArray[np.uint8]],
) -> onnx.ModelProto:
    """Return the graph in one precision, with the reduction as its last nodes.

    Args:
        fp32: The clean float graph with uint8 input.
        precision: One of `PRECISIONS`.
        reduction: Stays in float arithmetic, behind the integer part: it costs next to nothing.
        calibration: Gives uint8 `(N, height, width, channels)`; asked only where needed.
    """
    if precision == "int8":
        return reduction.append(quantize(fp32, calibration()))
    graph = reduction.append(fp32)
    return with_half_weights(graph) if precision == "fp16" else graph
