"""Nodes that do nothing, do it twice, or do it for no output."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["drop_dead", "drop_no_ops", "merge_duplicates"]


_SMALL_BYTES = 4096  # bounds, axes and per-channel numbers; no weight is worth comparing


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


def merge_duplicates(graph: Graph) -> None:
    """Compute equal things once (NASNet pools the same map twice in every cell)."""
    seen: dict[tuple[object, ...], Node] = {}
    for node in graph.in_order():
        key = (node.op, tuple(_identity(graph, n) for n in node.inputs), _freeze(node.attrs))
        twin = seen.setdefault(key, node)
        if twin is not node and len(twin.outputs) == len(node.outputs) == 1:
            graph.replace(node, twin.out)


def _identity(graph: Graph, name: str) -> object:
    """A tensor's name; for a small constant what it holds."""
    value = graph.value(name)
    if value is None or value.nbytes > _SMALL_BYTES:
        return name
    return value.dtype.str, value.shape, value.tobytes()


def _freeze(attrs: Mapping[str, object]) -> str:
    return repr(sorted(attrs.items()))


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
