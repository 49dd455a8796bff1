"""The step from a float graph to an int8 one, the same in `build` and `quantize`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.pipeline.request import Int8Request, Say
from edgefeat_export.proof.calibration import Calibration
from edgefeat_export.proof.gates import Gates
from edgefeat_export.quant import same_bits, search
from edgefeat_export.quant.search import SearchOutcome

__all__ = ["Int8Graph", "remarks", "to_int8"]


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
    model = reduction.append(outcome.quantized.model)
    floats = same_bits.float_operators(model)
    for line in remarks(outcome, fp32, floats):
        say(line)
    record = outcome.record(calibration.origin) | {"float_operators": list(floats)}
    return Int8Graph(model=model, outcome=outcome, record=record)


def remarks(outcome: SearchOutcome, fp32: onnx.ModelProto, floats: Sequence[str]) -> Iterator[str]:
    """Yield what the user of an int8 file would not expect of it.

    Args:
        outcome: How the graph came about.
        fp32: The float graph.
        floats: Kinds of float operators that decide its last bits.
    """
    made = outcome.attempts[-1]
    if made.latency.ratio > 1:
        yield (
            f"warning: int8 is slower than float here: {made.latency.after_ms:.2f} ms a picture"
            f" instead of {made.latency.before_ms:.2f}. Time both on the device before you choose"
        )
    if made.size_bytes > fp32.ByteSize():
        yield (
            f"warning: int8 is larger than float: {made.size_bytes} bytes instead of"
            f" {fp32.ByteSize()}"
        )
    if floats:
        yield (
            f"note: operators in float ({', '.join(floats)}) decide the last bits of the features,"
            " which may differ between CPUs: the file carries no hash of them"
        )
