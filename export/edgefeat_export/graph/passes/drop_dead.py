"""Drops what no output depends on."""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph

__all__ = ["drop_dead"]


def drop_dead(graph: Graph) -> None:
    """Remove the nodes that no output depends on, then the constants that nothing reads.

    Before::

        x: (n, 4)
        unused = Exp(x)
        y = Relu(x)

    After::

        y = Relu(x)
    """
    alive = set(graph.in_order())
    for node in graph.nodes:
        if node not in alive:
            graph.remove(node)
    graph.drop_constants([name for name in graph.constants if not graph.users(name)])
