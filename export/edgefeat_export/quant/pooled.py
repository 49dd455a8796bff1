"""Global average pooling of bytes by exact integer sums, so that every CPU gives the same bits.

A mean of dequantized numbers depends on the order of summation, which differs between CPUs. Sums
of bytes stay whole numbers that float32 holds exactly, and one multiplication follows.
"""

from __future__ import annotations

from math import prod

import numpy as np
from onnx import TensorProto

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import Constant, Reading, Tensor, op, search
from edgefeat_export.quant.float_parts import is_normalised

__all__ = ["pool_bytes"]

_EXACT_BELOW = 2**24  # float32 holds every whole number below
_LARGEST_BYTE = 255

_BYTES, _SCALE, _ZERO_POINT = Tensor(), Constant(elements=1), Constant(elements=1)
_MEAN = op.ReduceMean(op.DequantizeLinear(_BYTES, _SCALE, _ZERO_POINT))


def pool_bytes(graph: Graph) -> int:
    """Sum bytes instead of the numbers they stand for, wherever the mean stays float.

    Before::

        bytes -> DequantizeLinear (scale, zero point) -> ReduceMean

    After::

        bytes -> Cast to float -> ReduceSum -> Sub count * zero point -> Mul scale / count

    A mean that becomes bytes again stays as it is: the integer kernels take it whole.

    Returns:
        How many means were rewritten.
    """
    return sum(_sum_bytes(graph, mean, found) for mean, found in search(graph, _MEAN))


def _sum_bytes(graph: Graph, mean: Node, found: Reading) -> bool:
    axes = list(mean.attrs.get("axes", ()))
    if is_normalised(graph, mean.inputs[0]):  # ONNX Runtime has one operator for all of that
        return False
    count = _pixels(graph, found.tensor(_BYTES), axes)
    if count is None or count * _LARGEST_BYTE >= _EXACT_BELOW:
        return False
    if any(user.op == "QuantizeLinear" for user in graph.users(mean.out)):
        return False
    scale, zero_point = found.array(_SCALE).item(), int(found.array(_ZERO_POINT).item())
    numbers = graph.add("Cast", [found.tensor(_BYTES)], to=TensorProto.FLOAT).out
    where = graph.constant(np.array(axes, np.int64))
    total = graph.add("ReduceSum", [numbers, where], keepdims=mean.attrs.get("keepdims", 1)).out
    if zero_point:
        shift = np.array(count * zero_point, np.float32)
        total = graph.add("Sub", [total, graph.constant(shift)]).out
    unit = np.array(float(scale) / count, np.float32)
    graph.replace(mean, graph.add("Mul", [total, graph.constant(unit)]).out)
    return True


def _pixels(graph: Graph, tensor: str, axes: list[int]) -> int | None:
    """Return how many numbers a mean over some axes takes in; None if that is unknown."""
    shape = graph.shape(tensor)
    sides = [shape[axis] for axis in axes] if shape is not None else []
    known = [side for side in sides if side is not None]
    return prod(known) if axes and len(known) == len(axes) else None
