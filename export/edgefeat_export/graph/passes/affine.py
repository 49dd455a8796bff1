"""Per-channel scale and shift (BatchNormalization, Mul, Add ...) folded into convolutions.

Behind a convolution both fold exactly. Before one, the scale does, and the shift only where nothing
is padded: at a zero-padded border the convolution would have to see a padding other than zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgefeat_export.graph.graph import Array, Graph, Node

__all__ = ["Affine", "fold_affine_after", "fold_affine_before", "merge_affine", "read_affine"]

_LINEAR = ("Conv", "Gemm")


@dataclass(frozen=True, slots=True)
class Affine:
    """y = x * scale + shift along the channel axis; float64, each of size 1 or C."""

    source: str
    scale: Array
    shift: Array


def read_affine(graph: Graph, node: Node) -> Affine | None:
    """The per-channel reading of a node, or None if it is something else."""
    if node.op == "BatchNormalization":
        return _read_batch_norm(graph, node)
    if node.op not in ("Add", "Sub", "Mul", "Div"):
        return None
    x, other, constant_first = _operands(graph, node)
    if other is None:
        return None
    channels = _per_channel(graph, x, node.out, other)
    if channels is None or not np.isfinite(channels).all():
        return None
    one, zero = np.ones(1), np.zeros(1)
    if node.op == "Add":
        return Affine(x, one, channels)
    if node.op == "Mul":
        return Affine(x, channels, zero)
    if node.op == "Sub":
        return Affine(x, -one, channels) if constant_first else Affine(x, one, -channels)
    if constant_first or not channels.all():
        return None
    return Affine(x, 1 / channels, zero)


def fold_affine_after(graph: Graph) -> None:
    """Conv or Gemm, then scale and shift: into the weights and the bias."""
    for node in graph.find("BatchNormalization", "Mul", "Add", "Sub", "Div"):
        affine = read_affine(graph, node)
        linear = graph.producer(affine.source) if affine else None
        if affine is None or linear is None or linear.op not in _LINEAR:
            continue
        if graph.sole_user(linear.out) is not node:
            continue
        weight, bias = _parameters(graph, linear)
        if weight is None or bias is None:
            continue
        rows = np.broadcast_to(affine.scale, (len(weight),))
        new_weight = weight * rows.reshape(-1, *[1] * (weight.ndim - 1))
        _rebuild(graph, linear, node, new_weight, bias * rows + affine.shift)


def fold_affine_before(graph: Graph) -> None:
    """Scale (and shift, if nothing is padded), then a Conv: into the weights and the bias."""
    for conv in graph.find("Conv"):
        node = graph.producer(conv.inputs[0])
        affine = read_affine(graph, node) if node is not None else None
        if node is None or affine is None or graph.sole_user(node.out) is not conv:
            continue
        weight, bias = _parameters(graph, conv)
        if weight is None or bias is None:
            continue
        group = conv.attrs.get("group", 1)
        channels = weight.shape[1] * group
        scale = np.broadcast_to(affine.scale, (channels,))
        shift = np.broadcast_to(affine.shift, (channels,))
        source = affine.source
        if shift.any() and any(conv.attrs.get("pads", [0])):
            if (scale == 1).all() or not scale.all():
                continue
            offset = (shift / scale).astype(np.float32).reshape(1, -1, 1, 1)
            source = graph.add("Add", [source, graph.constant(offset)]).out
            shift = np.zeros(channels)
        grouped = weight.reshape(group, -1, *weight.shape[1:])
        per_input = scale.reshape(group, 1, -1, 1, 1)
        bias = bias + (grouped * shift.reshape(per_input.shape)).sum((2, 3, 4)).reshape(-1)
        graph.rewire(conv, [source, *conv.inputs[1:]])
        _rebuild(graph, conv, conv, (grouped * per_input).reshape(weight.shape), bias)


def merge_affine(graph: Graph) -> None:
    """Two in a row are one: Add, Mul, or BatchNormalization, whichever is the least."""
    for second in graph.find("BatchNormalization", "Mul", "Add", "Sub", "Div"):
        outer = read_affine(graph, second)
        first = graph.producer(outer.source) if outer else None
        inner = read_affine(graph, first) if first is not None else None
        if outer is None or first is None or inner is None:
            continue
        if graph.sole_user(first.out) is not second:
            continue
        scale, shift = inner.scale * outer.scale, inner.shift * outer.scale + outer.shift
        new = _write_affine(graph, Affine(inner.source, scale, shift))
        if new is not None:
            graph.replace(second, new.out)
            graph.remove(first)


def _write_affine(graph: Graph, affine: Affine) -> Node | None:
    shape = graph.shape(affine.source)
    if shape is None or len(shape) != 4 or shape[1] is None:
        return None
    full = (1, -1) + (1,) * (len(shape) - 2)
    if not affine.shift.any():
        scale = affine.scale.astype(np.float32).reshape(full)
        return graph.add("Mul", [affine.source, graph.constant(scale)])
    if (affine.scale == 1).all():
        shift = affine.shift.astype(np.float32).reshape(full)
        return graph.add("Add", [affine.source, graph.constant(shift)])
    values = (affine.scale, affine.shift, np.zeros(1), np.ones(1))
    names = [
        graph.constant(np.ascontiguousarray(np.broadcast_to(v, shape[1]), np.float32))
        for v in values
    ]
    return graph.add("BatchNormalization", [affine.source, *names], epsilon=0.0)


def _parameters(graph: Graph, linear: Node) -> tuple[Array | None, Array | None]:
    """Weight with output channels first and bias, in float64; None where they are computed."""
    weight = graph.value(linear.inputs[1])
    if weight is None or (linear.op == "Gemm" and not _is_plain_gemm(linear)):
        return None, None
    if linear.op == "Gemm" and not linear.attrs.get("transB", 0):
        weight = weight.T
    if len(linear.inputs) < 3:
        return weight.astype(np.float64), np.zeros(len(weight))
    bias = graph.value(linear.inputs[2])
    if bias is None or bias.size not in (1, len(weight)):
        return None, None
    full = np.broadcast_to(bias.astype(np.float64).reshape(-1), (len(weight),))
    return weight.astype(np.float64), full


def _is_plain_gemm(node: Node) -> bool:
    ones = node.attrs.get("alpha", 1.0) == 1.0 and node.attrs.get("beta", 1.0) == 1.0
    return ones and not node.attrs.get("transA", 0)


def _rebuild(graph: Graph, linear: Node, last: Node, weight: Array, bias: Array) -> None:
    """A new convolution in place of `linear` up to `last`, with these parameters."""
    attrs = dict(linear.attrs)
    if linear.op == "Gemm":
        attrs = {"transB": 1}
    inputs = [linear.inputs[0], graph.constant(weight.astype(np.float32))]
    if bias.any() or len(linear.inputs) > 2:
        inputs.append(graph.constant(bias.astype(np.float32)))
    graph.replace(last, graph.add(linear.op, inputs, **attrs).out)
    if last is not linear:
        graph.remove(linear)


def _operands(graph: Graph, node: Node) -> tuple[str, Array | None, bool]:
    first, second = node.inputs
    if graph.value(second) is not None:
        return first, graph.value(second), False
    return second, graph.value(first), True


def _per_channel(graph: Graph, x: str, out: str, value: Array) -> Array | None:
    """The constant as one number per channel (axis 1), or None if it varies along another axis."""
    shape = graph.shape(x)
    if shape is None or len(shape) < 2 or shape != graph.shape(out) or value.ndim > len(shape):
        return None
    full = value.reshape((1,) * (len(shape) - value.ndim) + value.shape).astype(np.float64)
    if any(size != 1 for axis, size in enumerate(full.shape) if axis != 1):
        return None
    return full.reshape(-1)


def _read_batch_norm(graph: Graph, node: Node) -> Affine | None:
    values = [graph.value(name) for name in node.inputs[1:5]]
    if any(v is None for v in values) or len(node.outputs) > 1:
        return None
    gamma, beta, mean, var = (v.astype(np.float64) for v in values if v is not None)
    scale = gamma / np.sqrt(var + node.attrs.get("epsilon", 1e-5))
    return Affine(node.inputs[0], scale, beta - mean * scale)
