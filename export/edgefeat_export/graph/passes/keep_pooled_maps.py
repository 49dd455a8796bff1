"""Lets global pooling keep its axes, so that squeeze-and-excite blocks need no Reshape."""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import Tensor, op, search

__all__ = ["keep_pooled_maps"]

_HEIGHT_AND_WIDTH = [2, 3]


def keep_pooled_maps(graph: Graph) -> None:
    """Let a pooling give a map of one pixel, where its vector is reshaped to one.

    Before::

        x: (n, 4, 8, 8)
        vector = ReduceMean(x, axes=[2, 3], keepdims=0)
        y = Reshape(vector, [-1, 4, 1, 1])

    After::

        y = ReduceMean(x, axes=[2, 3], keepdims=1)
    """
    source = Tensor()
    pooled = (op.ReduceMean(source) | op.ReduceMax(source)).where(_drops_height_and_width)
    for reshape, found in search(graph, op.Reshape(pooled)):
        pool = found.node(pooled)
        shape, before = graph.shape(reshape.out), graph.shape(found.tensor(source))
        if shape is None or before is None or shape != (*before[:2], 1, 1):
            continue
        kept = graph.add(pool.op, pool.inputs, axes=_HEIGHT_AND_WIDTH, keepdims=1)
        graph.replace(reshape, kept.out)


def _drops_height_and_width(_: Graph, pool: Node) -> bool:
    axes = list(pool.attrs.get("axes", ()))
    return axes == _HEIGHT_AND_WIDTH and not pool.attrs.get("keepdims", 1)
