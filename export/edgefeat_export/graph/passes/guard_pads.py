"""Keeps a Pad in front of a pool safe from a fault of ONNX Runtime."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.matching import Tensor, op, search
from edgefeat_export.graph.padding import fill_of, zeros_around

__all__ = ["guard_pads"]


def guard_pads(graph: Graph) -> None:
    """Fill with -0.0 where a Pad with zeros must stay in front of a pool.

    Before::

        x: (n, 3, 8, 8)
        p = Pad(x, [0, 0, 1, 1, 0, 0, 1, 1], 0.0)
        y = MaxPool(p, kernel_shape=[3, 3])

    After::

        p = Pad(x, [0, 0, 1, 1, 0, 0, 1, 1], -0.0)
        y = MaxPool(p, kernel_shape=[3, 3])

    Until 1.31, ONNX Runtime merges such a Pad as if pools padded with zeros, whatever the sign of
    the input (its `Pad_Fusion`): ResNetV2's features come out wrong by 0.7 %. It leaves the Pad
    alone when any bit of the fill is set, and -0.0 compares and averages exactly like 0.0.
    """
    pad = op.Pad(Tensor())
    for _, found in search(graph, op.MaxPool(pad) | op.AveragePool(pad)):
        node = found.node(pad)
        if zeros_around(graph, node) is None:
            continue
        fill = fill_of(graph, node)
        if fill is None or not np.signbit(fill).all():
            minus_zero = graph.constant(np.array(-0.0, np.float32))
            guarded = graph.add("Pad", [*node.inputs[:2], minus_zero], **node.attrs)
            graph.replace(node, guarded.out)
