"""Writes hard sigmoid and hard swish as the operators that ONNX has for them."""

from __future__ import annotations

import math

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import Tensor, op, search

__all__ = ["fuse_hard_swish"]

_ALPHA, _BETA = 1 / 6, 0.5
_FIRST_OPSET_WITH_HARD_SWISH = 14


def fuse_hard_swish(graph: Graph) -> None:
    """Write relu6(x + 3) / 6 as HardSigmoid, and x times that as HardSwish.

    Before::

        x: (n, 4, 8, 8)
        a = Add(x, 3.0)
        b = Clip(a, 0.0, 6.0)
        c = Mul(b, 0.16666667)
        y = Mul(c, x)

    After::

        y = HardSwish(x)

    Both functions are defined so in MobileNetV3 (Howard et al. 2019, section 5.2).
    """
    x = Tensor()
    spelled_out = op.Clip(x + 3.0, 0.0, 6.0) * (1 / 6)
    for last, found in search(graph, spelled_out):
        if graph.shape(last.out) != graph.shape(found.tensor(x)):
            continue  # a constant of more axes than x has gives more axes to the result
        gate = graph.add("HardSigmoid", [found.tensor(x)], alpha=_ALPHA, beta=_BETA)
        graph.replace(last, gate.out)
    if graph.opset < _FIRST_OPSET_WITH_HARD_SWISH:
        return
    gated = op.HardSigmoid(x).where(_has_the_slope_of_hard_swish) * x
    for last, found in search(graph, gated):
        graph.replace(last, graph.add("HardSwish", [found.tensor(x)]).out)


def _has_the_slope_of_hard_swish(_: Graph, node: Node) -> bool:
    alpha, beta = node.attrs.get("alpha", 0.2), node.attrs.get("beta", 0.5)  # ONNX's defaults
    return math.isclose(alpha, _ALPHA, rel_tol=1e-6) and math.isclose(beta, _BETA, rel_tol=1e-6)
