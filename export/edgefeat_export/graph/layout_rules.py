"""Tells for each operator how a Transpose to NHWC moves from its inputs to its outputs.

A rule takes the graph and an operator that reads at least one such Transpose. It rebuilds the
operator in NCHW, puts the Transposes behind it, and returns these. If the operator cannot be
rebuilt, the rule changes nothing and returns [].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["PUSH_RULES", "TO_FIRST", "TO_LAST", "is_to_first", "is_to_last"]

TO_FIRST = [0, 3, 1, 2]
TO_LAST = [0, 2, 3, 1]

Rule = Callable[[Graph, Node], list[Node]]


def is_to_last(node: Node) -> bool:
    """Tell whether a node is a Transpose from NCHW to NHWC."""
    return node.op == "Transpose" and list(node.attrs.get("perm", ())) == TO_LAST


def is_to_first(node: Node) -> bool:
    """Tell whether a node is a Transpose from NHWC to NCHW."""
    return node.op == "Transpose" and list(node.attrs.get("perm", ())) == TO_FIRST


def _finish(
    graph: Graph, node: Node, op: str, inputs: list[str], attrs: Mapping[str, Any]
) -> list[Node]:
    """Rebuild `node` on NCHW inputs and put one Transpose behind each of its outputs."""
    rebuilt = graph.add(op, inputs, outputs=len(node.outputs), **attrs)
    made = []
    for old, new in zip(node.outputs, rebuilt.outputs, strict=True):
        made.append(graph.add("Transpose", [new], perm=TO_LAST))
        graph.redirect(old, made[-1].out)
    graph.remove(node)
    return made


def _channels_first(graph: Graph, name: str) -> str | None:
    """Return the NCHW form of an operand that broadcasts against an NHWC map; None without one."""
    producer = graph.producer(name)
    if producer is not None and is_to_last(producer):
        return producer.inputs[0]
    value = graph.value(name)
    if value is not None:
        if value.size == 1 and value.ndim <= 4:
            return name
        if value.ndim > 4:
            return None
        full = value.reshape((1,) * (4 - value.ndim) + value.shape)
        return graph.constant(np.ascontiguousarray(full.transpose(TO_FIRST)))
    shape = graph.shape(name)
    if shape is None or len(shape) != 4:
        return name if shape == () else None
    return graph.add("Transpose", [name], perm=TO_FIRST).out


def _elementwise(graph: Graph, node: Node) -> list[Node]:
    shape = graph.shape(node.out)
    if shape is None or len(shape) != 4:
        return []
    inputs = [_channels_first(graph, name) for name in node.inputs]
    if any(name is None for name in inputs):
        return []
    return _finish(graph, node, node.op, [n for n in inputs if n is not None], node.attrs)


def _unary(graph: Graph, node: Node) -> list[Node]:
    """Pass an operator that takes one map and then parameters without axes, as Clip's bounds."""
    producer = graph.producer(node.inputs[0])
    if producer is None or not is_to_last(producer):
        return []
    return _finish(graph, node, node.op, [producer.inputs[0], *node.inputs[1:]], node.attrs)


def _along_axis(default: int) -> Rule:
    def rule(graph: Graph, node: Node) -> list[Node]:
        axis = TO_LAST[node.attrs.get("axis", default) % 4]
        parameters = node.inputs[1:] if node.op == "Split" else []
        maps = node.inputs[:1] if node.op == "Split" else node.inputs
        shapes = [graph.shape(name) for name in maps]
        if any(s is None or len(s) != 4 for s in shapes):
            return []
        inputs = [_full_rank_first(graph, name) for name in maps]
        attrs = {**node.attrs, "axis": axis}
        return _finish(graph, node, node.op, inputs + parameters, attrs)

    return rule


def _full_rank_first(graph: Graph, name: str) -> str:
    """Return the NCHW form of an operand of rank 4 that does not broadcast."""
    value, producer = graph.value(name), graph.producer(name)
    if value is not None:
        return graph.constant(np.ascontiguousarray(value.transpose(TO_FIRST)))
    if producer is not None and is_to_last(producer):
        return producer.inputs[0]
    return graph.add("Transpose", [name], perm=TO_FIRST).out


def _reduce(graph: Graph, node: Node) -> list[Node]:
    """Pass a reduction; one without keepdims only if the axes that stay keep their order."""
    source = graph.producer(node.inputs[0])
    axes = _axes(graph, node)
    if source is None or not is_to_last(source) or not axes:
        return []
    moved = sorted(TO_LAST[axis % 4] for axis in axes)
    keep = node.attrs.get("keepdims", 1)
    if not keep:
        stays = [TO_LAST[axis] for axis in range(4) if axis not in {a % 4 for a in axes}]
        if stays != sorted(stays):
            return []
    inputs, attrs = [source.inputs[0]], {**node.attrs, "axes": moved}
    if len(node.inputs) > 1:
        inputs.append(graph.constant(np.array(moved, np.int64)))
        del attrs["axes"]
    if keep:
        return _finish(graph, node, node.op, inputs, attrs)
    graph.replace(node, graph.add(node.op, inputs, **attrs).out)
    return []


def _axes(graph: Graph, node: Node) -> list[int]:
    if len(node.inputs) > 1:
        value = graph.value(node.inputs[1])
        return [] if value is None else [int(axis) for axis in value]
    return list(node.attrs.get("axes", []))


def _pad(graph: Graph, node: Node) -> list[Node]:
    source, pads = graph.producer(node.inputs[0]), graph.value(node.inputs[1])
    if source is None or not is_to_last(source) or pads is None or pads.size != 8:
        return []
    moved = graph.constant(pads.reshape(2, 4)[:, TO_FIRST].reshape(-1))
    return _finish(graph, node, "Pad", [source.inputs[0], moved, *node.inputs[2:]], node.attrs)


def _slice(graph: Graph, node: Node) -> list[Node]:
    source = graph.producer(node.inputs[0])
    axes = graph.value(node.inputs[3]) if len(node.inputs) > 3 else None
    if source is None or not is_to_last(source) or axes is None:
        return []
    moved = graph.constant(np.array([TO_LAST[int(axis) % 4] for axis in axes], axes.dtype))
    inputs = [source.inputs[0], *node.inputs[1:3], moved, *node.inputs[4:]]
    return _finish(graph, node, "Slice", inputs, node.attrs)


def _reshape(graph: Graph, node: Node) -> list[Node]:
    """Drop the Transpose in front of a Reshape where height and width are 1: it moves nothing."""
    source = graph.producer(node.inputs[0])
    shape = graph.shape(node.inputs[0])
    if source is None or not is_to_last(source) or shape is None or shape[1:3] != (1, 1):
        return []
    graph.replace(node, graph.add("Reshape", [source.inputs[0], node.inputs[1]]).out)
    return []


def _dense(graph: Graph, node: Node) -> list[Node]:
    """Write a Dense layer on every pixel as a 1x1 convolution."""
    source, weight = graph.producer(node.inputs[0]), graph.value(node.inputs[1])
    if source is None or not is_to_last(source) or weight is None or weight.ndim != 2:
        return []
    kernel = graph.constant(np.ascontiguousarray(weight.T)[:, :, None, None])
    attrs = {"kernel_shape": [1, 1], "strides": [1, 1], "dilations": [1, 1], "group": 1}
    return _finish(graph, node, "Conv", [source.inputs[0], kernel], {**attrs, "pads": [0] * 4})


def _cancel(graph: Graph, node: Node) -> list[Node]:
    source = graph.producer(node.inputs[0])
    if source is not None and is_to_last(source) and is_to_first(node):
        graph.replace(node, source.inputs[0])
    return []


# fmt: off
_UNARY = (
    "Abs", "Cast", "Ceil", "Clip", "Cos", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish",
    "Identity", "LeakyRelu", "Log", "Neg", "Reciprocal", "Relu", "Selu", "Sigmoid", "Sin",
    "Softplus", "Softsign", "Sqrt", "Tanh", "ThresholdedRelu",
)
_ELEMENTWISE = (
    "Add", "Div", "Equal", "Greater", "Less", "Max", "Mean", "Min", "Mul", "PRelu", "Pow", "Sub",
    "Sum", "Where",
)
_REDUCTIONS = ("ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum")
# fmt: on

PUSH_RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_REDUCTIONS, _reduce),
    **{"Concat": _along_axis(-1), "Split": _along_axis(0), "Softmax": _along_axis(-1)},
    **{"Pad": _pad, "Slice": _slice, "Reshape": _reshape, "MatMul": _dense, "Transpose": _cancel},
}
