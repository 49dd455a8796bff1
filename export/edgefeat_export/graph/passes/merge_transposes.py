"""Makes one Transpose of two in a row."""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import Tensor, op, search

__all__ = ["merge_transposes"]


def merge_transposes(graph: Graph) -> None:
    """Compose a Transpose with the Transpose that it reads.

    Before::

        x: (n, 4, 2, 3)
        a = Transpose(x, perm=[0, 2, 3, 1])
        y = Transpose(a, perm=[0, 2, 1, 3])

    After::

        y = Transpose(x, perm=[0, 3, 2, 1])

    Of a Transpose and its inverse a Transpose that moves nothing is left, which `drop_no_ops`
    bypasses.
    """
    source = Tensor()
    first = op.Transpose(source).where(_has_axes)
    for second, found in search(graph, op.Transpose(first).where(_has_axes)):
        inner = found.node(first).attrs["perm"]
        perm = [inner[axis] for axis in second.attrs["perm"]]
        graph.replace(second, graph.add("Transpose", [found.tensor(source)], perm=perm).out)


def _has_axes(_: Graph, transpose: Node) -> bool:
    """Tell whether a Transpose names its axes. Without them it reverses all, however many."""
    return "perm" in transpose.attrs
