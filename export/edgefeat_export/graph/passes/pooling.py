"""Global pooling as one node, and the Reshapes of squeeze-and-excite blocks dissolved into it."""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph

__all__ = ["keep_pooled_maps"]


def keep_pooled_maps(graph: Graph) -> None:
    """A pooled vector reshaped to a 1x1 map is a pooling that keeps its axes."""
    for reshape in graph.find("Reshape"):
        pool = graph.producer(reshape.inputs[0])
        if (
            pool is None
            or pool.op not in ("ReduceMean", "ReduceMax")
            or pool.attrs.get("keepdims", 1)
        ):
            continue
        shape, source = graph.shape(reshape.out), graph.shape(pool.inputs[0])
        if list(pool.attrs.get("axes", ())) != [2, 3] or shape is None or source is None:
            continue
        if shape == (*source[:2], 1, 1):
            kept = graph.add(pool.op, pool.inputs, axes=[2, 3], keepdims=1)
            graph.replace(reshape, kept.out)
