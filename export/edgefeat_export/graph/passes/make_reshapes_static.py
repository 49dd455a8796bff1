"""Computes now what a Reshape's target will be, as far as the batch size allows.

Keras takes the batch size from the tensor itself, which tf2onnx writes as Shape, Cast, Gather and
Concat in front of every Reshape. With height and width known, only the batch size stays open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["make_reshapes_static"]

Dims = list[int | None]
"""An integer tensor of one axis, None where a number depends on the batch. A scalar is [number]."""


def make_reshapes_static(graph: Graph) -> None:
    """Write Reshape, Squeeze, Unsqueeze and Flatten as a Reshape with a constant target.

    Before::

        x: (n, 4, 1, 1)
        shape = Shape(x)
        batch = Slice(shape, [0], [1])
        target = Concat(batch, [4], axis=0)
        y = Reshape(x, target)

    After::

        y = Reshape(x, [-1, 4])

    One number of a target may stay open, as -1. Where two would, the node stays as it is.
    """
    for node in graph.find("Reshape", "Squeeze", "Unsqueeze", "Flatten"):
        if node.op == "Reshape" and graph.value(node.inputs[1]) is not None:
            continue
        dims = _target(graph, node)
        if dims is not None:
            target = np.array([-1 if d is None else d for d in dims], np.int64)
            graph.replace(node, graph.add("Reshape", [node.inputs[0], graph.constant(target)]).out)


def _target(graph: Graph, node: Node) -> Dims | None:
    """Return the shape that a node gives; None if more than one number of it is open."""
    shape = graph.shape(node.out)
    dims = None if shape is None else list(shape)
    if node.op == "Reshape" and not _is_static(dims):
        dims = _evaluate(graph, node.inputs[1])
    is_plain = dims is not None and 0 not in dims and -1 not in dims  # both mean something else
    return dims if is_plain and _is_static(dims) else None


def _is_static(dims: Dims | None) -> bool:
    return dims is not None and dims.count(None) <= 1


def _evaluate(graph: Graph, name: str) -> Dims | None:
    """Return the numbers in an integer tensor; None if they cannot be told."""
    value = graph.value(name)
    if value is not None:
        whole = value.dtype.kind in "iu" and value.ndim < 2
        return [int(v) for v in value.reshape(-1)] if whole else None
    node = graph.producer(name)
    rule = _RULES.get(node.op) if node is not None else None
    return rule(graph, node) if rule is not None and node is not None else None


def _shape(graph: Graph, node: Node) -> Dims | None:
    shape = graph.shape(node.inputs[0])
    return None if shape is None else list(shape)


def _same(graph: Graph, node: Node) -> Dims | None:
    return _evaluate(graph, node.inputs[0])


def _gather(graph: Graph, node: Node) -> Dims | None:
    source, where = _evaluate(graph, node.inputs[0]), graph.value(node.inputs[1])
    if source is None or where is None:
        return None
    return [source[int(i)] for i in where.reshape(-1)]


def _slice(graph: Graph, node: Node) -> Dims | None:
    source = _evaluate(graph, node.inputs[0])
    bounds = [graph.value(name) for name in node.inputs[1:]]
    if source is None or any(b is None or b.size != 1 for b in bounds):
        return None
    start, stop, *rest = (int(b.reshape(())) for b in bounds if b is not None)
    return source[start : stop : rest[1] if len(rest) > 1 else 1]


def _concat(graph: Graph, node: Node) -> Dims | None:
    parts = [_evaluate(graph, name) for name in node.inputs]
    if any(part is None for part in parts):
        return None
    return [dim for part in parts if part is not None for dim in part]


def _product(graph: Graph, node: Node) -> Dims | None:
    parts = _evaluate(graph, node.inputs[0])
    if parts is None:
        return None
    known = [part for part in parts if part is not None]
    return [prod(known)] if len(known) == len(parts) else [None]


_RULES: Mapping[str, Callable[[Graph, Node], Dims | None]] = {
    **dict.fromkeys(("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"), _same),
    **{"Shape": _shape, "Gather": _gather, "Slice": _slice, "Concat": _concat},
    "ReduceProd": _product,
}
