"""The precisions that there are, and the two float ones. Room `quant/` makes int8."""

from __future__ import annotations

from typing import Final

import onnx

from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.graph.half import with_half_weights

__all__ = ["PRECISIONS", "in_float"]

PRECISIONS: Final = ("fp32", "fp16", "int8")


def in_float(fp32: onnx.ModelProto, precision: str, reduction: Reduction) -> onnx.ModelProto:
    """Return the graph with the reduction as its last nodes.

    Args:
        fp32: The graph with float32 weights.
        precision: "fp32", or "fp16" to store the weights as float16.
        reduction: What happens to the features after the network.
    """
    graph = reduction.append(fp32)
    return with_half_weights(graph) if precision == "fp16" else graph
