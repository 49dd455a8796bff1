"""Writes Dense layers on vectors as Gemm."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.matching import Constant, Tensor, op, search

__all__ = ["use_gemm"]


def use_gemm(graph: Graph) -> None:
    """Multiply a batch of vectors with a constant matrix by Gemm, which has room for a bias.

    Before::

        x: (n, 4)
        w: weight(4, 6)
        y = MatMul(x, w)

    After::

        y = Gemm(x, transposed_w, transB=1)
    """
    vectors, weight = Tensor(), Constant(rank=2)
    for node, found in search(graph, op.MatMul(vectors, weight)):
        shape = graph.shape(found.tensor(vectors))
        if shape is None or len(shape) != 2:
            continue
        rows = graph.constant(np.ascontiguousarray(found.array(weight).T))
        graph.replace(node, graph.add("Gemm", [found.tensor(vectors), rows], transB=1).out)
