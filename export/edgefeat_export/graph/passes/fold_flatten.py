"""Takes the order in which a map is flattened into the weights of the Dense layer behind."""

from __future__ import annotations

from math import prod

import numpy as np

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.layout_rules import is_to_last
from edgefeat_export.graph.matching import Constant, Tensor, op, search

__all__ = ["fold_flatten"]


def fold_flatten(graph: Graph) -> None:
    """Flatten the NCHW map as it is, and reorder the columns of the weights instead.

    Before::

        x: (n, 4, 2, 3)
        w: weight(5, 24)
        last = Transpose(x, perm=[0, 2, 3, 1])
        vector = Reshape(last, [-1, 24])
        y = Gemm(vector, w, transB=1)

    After::

        vector = Reshape(x, [-1, 24])
        y = Gemm(vector, reordered_w, transB=1)
    """
    source, target, weight = Tensor(), Tensor(), Constant()
    last = op.Transpose(source).where(lambda _, node: is_to_last(node))
    dense = op.Gemm(op.Reshape(last, target).where(_flattens), weight).where(_has_rows_of_weights)
    for gemm, found in search(graph, dense):
        sides = [side for side in (graph.shape(found.tensor(last)) or ())[1:] if side is not None]
        kernel = found.array(weight)
        order = np.arange(kernel.shape[1]).reshape(sides).transpose(2, 0, 1).ravel()
        columns = graph.constant(np.ascontiguousarray(kernel[:, order]))
        flat = graph.add("Reshape", [found.tensor(source), found.tensor(target)])
        inputs = [flat.out, columns, *gemm.inputs[2:]]
        graph.replace(gemm, graph.add("Gemm", inputs, **gemm.attrs).out)


def _flattens(graph: Graph, reshape: Node) -> bool:
    """Tell whether a Reshape makes one vector of each map of known size."""
    before, after = graph.shape(reshape.inputs[0]), graph.shape(reshape.out)
    if before is None or after is None or len(before) != 4 or len(after) != 2:
        return False
    sides = [side for side in before[1:] if side is not None]
    return len(sides) == 3 and prod(sides) == after[1]


def _has_rows_of_weights(_: Graph, gemm: Node) -> bool:
    return bool(gemm.attrs.get("transB", 0) == 1)
