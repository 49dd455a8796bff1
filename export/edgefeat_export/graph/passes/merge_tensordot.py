"""Lets a Dense layer on every pixel read the map as it is."""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.matching import Constant, Tensor, op, search

__all__ = ["merge_tensordot"]


def merge_tensordot(graph: Graph) -> None:
    """Multiply the map itself, without one Reshape before MatMul and another behind it.

    Before::

        x: (n, 5, 6)
        w: weight(6, 3)
        rows = Reshape(x, [-1, 6])
        product = MatMul(rows, w)
        y = Reshape(product, [-1, 5, 3])

    After::

        y = MatMul(x, w)

    Keras writes it so for inputs of any rank (`tf.tensordot`); ONNX's MatMul takes them directly.
    """
    source, weight = Tensor(), Constant(rank=2)
    rows = op.Reshape(source)
    product = op.MatMul(rows, weight).unshared()
    for last, found in search(graph, op.Reshape(product)):
        before, flat = graph.shape(found.tensor(source)), graph.shape(found.tensor(rows))
        after, columns = graph.shape(last.out), found.array(weight).shape[1]
        if before is None or after is None or flat is None or len(flat) != 2:
            continue
        if before[:-1] == after[:-1] and (before[-1], after[-1]) == (flat[1], columns):
            direct = graph.add("MatMul", [found.tensor(source), found.tensor(weight)])
            graph.replace(last, direct.out)
