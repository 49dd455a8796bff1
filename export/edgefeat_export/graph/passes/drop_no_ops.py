"""Nodes that return their input unchanged are bypassed."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["drop_no_ops"]


def drop_no_ops(graph: Graph) -> None:
    """Let the readers of a node that changes nothing read its input.

    Before::

        x: (n, 4)
        a = Mul(x, 1.0)
        b = Identity(a)
        y = Relu(b)

    After::

        y = Relu(x)

    Such nodes are Identity, Dropout, a Reshape to the same shape, a Transpose that moves no axis, a
    Pad by nothing, an Add of zero and a Mul by one.
    """
    for node in graph.find("Identity", "Dropout", "Reshape", "Transpose", "Pad", "Add", "Mul"):
        if _returns_input(graph, node):
            graph.replace(node, node.inputs[0])


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
