"""Folds a scale and shift behind a convolution or Gemm into its weights."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.affine import AFFINE_OPS, read_affine
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.linear import LINEAR_OPS, Parameters, read_parameters, rebuild

__all__ = ["fold_affine_after"]


def fold_affine_after(graph: Graph) -> None:
    """Multiply the weights by the scale, and the bias too before the shift is added.

    Before::

        x: (n, 3, 8, 8)
        w: weight(4, 3, 3, 3)
        scale: weight(1, 4, 1, 1)
        a = Conv(x, w)
        y = Mul(a, scale)

    After::

        y = Conv(x, scaled_w)

    Nothing else may read what the convolution gives.
    """
    for node in graph.find(*AFFINE_OPS):
        affine = read_affine(graph, node)
        linear = graph.producer(affine.source) if affine else None
        if affine is None or linear is None or linear.op not in LINEAR_OPS:
            continue
        if graph.sole_user(linear.out) is not node:
            continue
        old = read_parameters(graph, linear)
        if old is None:
            continue
        outputs = len(old.weight)
        scale = np.broadcast_to(affine.scale, (outputs,))
        weight = old.weight * scale.reshape(outputs, *[1] * (old.weight.ndim - 1))
        new = Parameters(weight=weight, bias=old.bias * scale + affine.shift)
        rebuild(graph, linear, node, new)
