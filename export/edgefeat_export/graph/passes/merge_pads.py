"""Lets a convolution or pool do the padding that stands in front of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import Tensor, op, search
from edgefeat_export.graph.padding import zeros_around

__all__ = ["merge_pads"]

_NON_NEGATIVE_OPS = {"Relu", "Sigmoid", "HardSigmoid", "Softplus"}


def merge_pads(graph: Graph) -> None:
    """Let the window operator pad by itself wherever that gives the same numbers.

    Before::

        x: (n, 3, 8, 8)
        w: weight(4, 3, 3, 3)
        p = Pad(x, [0, 0, 1, 1, 0, 0, 1, 1])
        y = Conv(p, w, pads=[0, 0, 0, 0])

    After::

        y = Conv(x, w, pads=[1, 1, 1, 1])

    A convolution pads with zeros, as the Pad does. An average pool does too, if it counts its own
    padding. A max pool pads with minus infinity, which is the same only for inputs of zero and more
    and only if every window holds at least one of them.
    """
    source = Tensor()
    pad = op.Pad(source)
    padded = op.Conv(pad) | op.MaxPool(pad) | op.AveragePool(pad)
    for node, found in search(graph, padded):
        extra = zeros_around(graph, found.node(pad))
        if extra is None or "pads" not in node.attrs:
            continue
        if not _same_after_merge(graph, node, found.tensor(source), extra):
            continue
        attrs: dict[str, Any] = {**node.attrs}
        attrs["pads"] = [a + b for a, b in zip(node.attrs["pads"], extra, strict=True)]
        if node.op == "AveragePool":
            attrs["count_include_pad"] = 1
        new = graph.add(node.op, [found.tensor(source), *node.inputs[1:]], **attrs)
        graph.replace(node, new.out)


def _same_after_merge(graph: Graph, node: Node, source: str, extra: list[int]) -> bool:
    """Tell whether a window operator would give the same if it padded by `extra` itself."""
    if node.op == "Conv":
        return True
    has_own = any(node.attrs["pads"])
    if node.op == "AveragePool":
        return not has_own or node.attrs.get("count_include_pad", 0) == 1
    height, width = node.attrs["kernel_shape"]
    inside = all(rows < side for rows, side in zip(extra, (height, width) * 2, strict=True))
    return inside and not has_own and _is_non_negative(graph, source)


def _is_non_negative(graph: Graph, name: str) -> bool:
    node = graph.producer(name)
    if node is None:
        return False
    if node.op == "Clip":
        low = graph.value(node.inputs[1]) if len(node.inputs) > 1 else None
        return low is not None and bool(np.all(low >= 0))
    return node.op in _NON_NEGATIVE_OPS
