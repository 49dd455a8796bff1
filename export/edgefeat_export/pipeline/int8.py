"""The step from a float graph to an int8 one, the same in `build` and `quantize`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.pipeline.request import Int8Request, Say
from edgefeat_export.proof.calibration import Calibration
from edgefeat_export.proof.gates import Gates
from edgefeat_export.quant import search
from edgefeat_export.quant.search import SearchOutcome

__all__ = ["Int8Graph", "to_int8"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Graph:
    """An int8 graph and how it came about.

    Attributes:
        model: The graph, with the reduction in float as its last nodes.
        outcome: What the search for layers to keep in float found.
        record: What the spec of the file keeps of that.
    """

    model: onnx.ModelProto
    outcome: SearchOutcome
    record: dict[str, object]


def to_int8(
    fp32: onnx.ModelProto,
    reduction: Reduction,
    calibration: Calibration,
    judged: NDArray[np.uint8],
    request: Int8Request,
    *,
    gates: Gates,
    say: Say,
) -> Int8Graph:
    """Quantize a float graph, with as few layers in float as its gates take.

    Args:
        fp32: A clean float graph with uint8 input, without reduction.
        reduction: What happens to its primary output. It stays in float.
        calibration: The pictures to calibrate on.
        judged: Other pictures, uint8 `(N, height, width, channels)`, to measure on.
        request: What int8 is for and what it may cost.
        gates: What its features must reach, compared with those of `fp32`.
        say: Takes a line of progress.

    Raises:
        VerificationError: The gates or the limits do not hold.
    """
    say(f"quantizing with {calibration.origin}")
    outcome = search.search(
        fp32,
        calibration.pictures,
        judged,
        target=request.target,
        gates=gates,
        limits=request.limits,
        say=say,
    )
    return Int8Graph(
        model=reduction.append(outcome.quantized.model),
        outcome=outcome,
        record=outcome.record(calibration.origin),
    )
