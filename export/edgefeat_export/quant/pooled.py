"""Global average pooling of bytes by exact integer sums, so that every CPU gives the same bits.

A mean of dequantized numbers depends on the order of summation, which differs between CPUs. Sums
of bytes stay whole numbers that float32 holds exactly, and one multiplication follows.
"""

from __future__ import annotations

from math import prod

import numpy as np
from onnx import TensorProto

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["pool_levels"]

_EXACT_BELOW = 2**24  # float32 holds every whole number below
_LEVELS = 255


def pool_levels(graph: Graph) -> int:
    """Pool levels instead of what they stand for, wherever the mean stays float; say how many."""
    return sum(_pool(graph, node) for node in graph.find("ReduceMean"))


def _pool(graph: Graph, mean: Node) -> bool:
    source = graph.producer(mean.inputs[0])
    axes, shape = list(mean.attrs.get("axes", ())), graph.shape(mean.inputs[0])
    if source is None or source.op != "DequantizeLinear" or shape is None or not axes:
        return False
    scale, zero_point = (graph.value(name) for name in source.inputs[1:3])
    sides = [shape[axis] for axis in axes]
    if scale is None or scale.size != 1 or zero_point is None or None in sides:
        return False
    if any(user.op == "QuantizeLinear" for user in graph.users(mean.out)):
        return False  # bytes in, bytes out: the integer kernels take the pair as it is
    count = prod(side for side in sides if side is not None)
    if count * _LEVELS >= _EXACT_BELOW:
        return False
    levels = graph.add("Cast", [source.inputs[0]], to=TensorProto.FLOAT).out
    where = graph.constant(np.array(axes, np.int64))
    total = graph.add("ReduceSum", [levels, where], keepdims=mean.attrs.get("keepdims", 1)).out
    if zero_point.item():
        shift = np.array(count * int(zero_point.item()), np.float32)
        total = graph.add("Sub", [total, graph.constant(shift)]).out
    unit = np.array(float(scale.item()) / count, np.float32)
    graph.replace(mean, graph.add("Mul", [total, graph.constant(unit)]).out)
    return True
