"""Makes one node of nodes that compute the same from the same inputs."""

from __future__ import annotations

from collections.abc import Mapping

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.node import RANDOM_OPS, Node

__all__ = ["merge_duplicates"]

_COMPARED_BYTES = 4096  # bounds, axes and per-channel numbers; larger constants are weights


def merge_duplicates(graph: Graph) -> None:
    """Compute equal things once. NASNet pools the same map twice in every cell.

    Before::

        x: (n, 4)
        a = Mul(x, 2.0)
        b = Mul(x, 2.0)
        y = Mul(a, b)

    After::

        a = Mul(x, 2.0)
        y = Mul(a, a)

    Two constants count as one input if they are small and hold the same numbers. Nodes that draw
    random numbers stay.
    """
    seen: dict[tuple[object, ...], Node] = {}
    for node in graph.in_order():
        if node.op in RANDOM_OPS:
            continue
        key = (node.op, tuple(_identity(graph, n) for n in node.inputs), _freeze(node.attrs))
        twin = seen.setdefault(key, node)
        if twin is not node and len(twin.outputs) == len(node.outputs) == 1:
            graph.replace(node, twin.out)


def _identity(graph: Graph, name: str) -> object:
    """Return what a small constant holds; of any other tensor, its name."""
    value = graph.value(name)
    if value is None or value.nbytes > _COMPARED_BYTES:
        return name
    return value.dtype.str, value.shape, value.tobytes()


def _freeze(attrs: Mapping[str, object]) -> str:
    return repr(sorted(attrs.items()))
