"""Reads a per-channel scale and shift, in whichever operator it is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgefeat_export.arrays import Array
from edgefeat_export.graph.graph import Graph, Node

__all__ = ["AFFINE_OPS", "ChannelAffine", "read_affine"]

AFFINE_OPS = ("BatchNormalization", "Mul", "Add", "Sub", "Div")
"""Operators that can be a scale and shift per channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAffine:
    """A scale and a shift for each channel: y = x * scale + shift along axis 1.

    Attributes:
        source: Name of the tensor x.
        scale: Factors, float64 (channels,), or (1,) if all channels have the same.
        shift: Summands, float64 (channels,), or (1,) if all channels have the same.
    """

    source: str
    scale: Array
    shift: Array


def read_affine(graph: Graph, node: Node) -> ChannelAffine | None:
    """Return the scale and shift that a node computes, or None if it is something else."""
    if node.op == "BatchNormalization":
        return _read_batch_norm(graph, node)
    if node.op not in AFFINE_OPS:
        return None
    x, constant, constant_first = _operands(graph, node)
    if constant is None:
        return None
    numbers = _per_channel(graph, x, node.out, constant)
    if numbers is None or not np.isfinite(numbers).all():
        return None
    one, zero = np.ones(1), np.zeros(1)
    if node.op == "Add":
        return ChannelAffine(source=x, scale=one, shift=numbers)
    if node.op == "Mul":
        return ChannelAffine(source=x, scale=numbers, shift=zero)
    if node.op == "Sub":
        sign = -one if constant_first else one
        return ChannelAffine(source=x, scale=sign, shift=-sign * numbers)
    if constant_first or not numbers.all():
        return None
    return ChannelAffine(source=x, scale=1 / numbers, shift=zero)


def _operands(graph: Graph, node: Node) -> tuple[str, Array | None, bool]:
    """Return the computed operand, the constant one, and whether the constant stands first."""
    first, second = node.inputs
    if graph.value(second) is not None:
        return first, graph.value(second), False
    return second, graph.value(first), True


def _per_channel(graph: Graph, x: str, out: str, value: Array) -> Array | None:
    """Return a constant as one number per channel, or None if it varies along another axis."""
    shape = graph.shape(x)
    if shape is None or len(shape) < 2 or shape != graph.shape(out) or value.ndim > len(shape):
        return None
    full = value.reshape((1,) * (len(shape) - value.ndim) + value.shape).astype(np.float64)
    if any(size != 1 for axis, size in enumerate(full.shape) if axis != 1):
        return None
    return full.reshape(-1)


def _read_batch_norm(graph: Graph, node: Node) -> ChannelAffine | None:
    values = [graph.value(name) for name in node.inputs[1:5]]
    if any(v is None for v in values) or len(node.outputs) > 1:
        return None
    gamma, beta, mean, var = (v.astype(np.float64) for v in values if v is not None)
    scale = gamma / np.sqrt(var + node.attrs.get("epsilon", 1e-5))
    return ChannelAffine(source=node.inputs[0], scale=scale, shift=beta - mean * scale)
