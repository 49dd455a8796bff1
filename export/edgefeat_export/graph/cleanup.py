"""Nodes that do nothing: Identity, Dropout at inference, no-op Casts and Reshapes, dead branches."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["drop_dead", "drop_no_ops", "make_reshapes_static"]


def drop_no_ops(graph: Graph) -> None:
    """Bypass every node that returns its first input unchanged."""
    for node in graph.find("Identity", "Dropout", "Reshape", "Transpose", "Pad", "Add", "Mul"):
        if _returns_input(graph, node):
            graph.replace(node, node.inputs[0])


def drop_dead(graph: Graph) -> None:
    """Remove what no output depends on, then the constants nothing reads."""
    alive = set(graph.in_order())
    for node in graph.nodes:
        if node not in alive:
            graph.remove(node)
    graph.drop_constants([name for name in graph.constants if not graph.users(name)])


def make_reshapes_static(graph: Graph) -> None:
    """Give every Reshape a constant target with at most the batch left open.

    Keras takes the batch size from the tensor itself, which tf2onnx spells as five nodes of shape
    arithmetic per Reshape.
    """
    for node in graph.find("Reshape", "Squeeze", "Unsqueeze", "Flatten"):
        shape = graph.shape(node.out)
        if shape is None or sum(d is None for d in shape) > 1 or 0 in shape:
            continue
        if node.op == "Reshape" and graph.value(node.inputs[1]) is not None:
            continue
        target = np.array([-1 if d is None else d for d in shape], np.int64)
        graph.replace(node, graph.add("Reshape", [node.inputs[0], graph.constant(target)]).out)


def _returns_input(graph: Graph, node: Node) -> bool:
    if node.op in ("Identity", "Dropout"):
        return True
    if node.op == "Transpose":
        perm = node.attrs.get("perm")
        return perm is not None and list(perm) == sorted(perm)
    if node.op == "Pad":
        pads = graph.value(node.inputs[1])
        return pads is not None and not pads.any()
    shape = graph.shape(node.out)
    if shape is None or shape != graph.shape(node.inputs[0]) or sum(d is None for d in shape) > 1:
        return False
    if node.op == "Reshape":
        return True
    neutral = 0 if node.op == "Add" else 1
    other = graph.value(node.inputs[1])
    return other is not None and bool(np.all(other == neutral))
