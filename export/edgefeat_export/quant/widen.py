"""Pads narrow depthwise convolutions with zero channels: the integer kernels come in sixteens."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["widen_depthwise"]

_LANES = 16


def widen_depthwise(graph: Graph) -> int:
    """Pad every depthwise convolution whose neighbours are convolutions; return how many."""
    return sum(_widen(graph, node) for node in graph.find("Conv"))


def _widen(graph: Graph, conv: Node) -> bool:
    channels = conv.attrs.get("group", 1)
    extra = -channels % _LANES
    if channels == 1 or not extra or channels < _LANES // 2:
        return False
    before, after = _before(graph, conv), _after(graph, conv)
    if before is None or after is None:
        return False
    makers, readers = [_weights(graph, n) for n in (before, conv)], _weights(graph, after)
    if any(parts is None for parts in makers) or readers is None:
        return False
    for parts in makers:
        for part in parts or ():
            _pad(graph, part, 0, extra)
    _pad(graph, readers[0], 1, extra, only_first=True)
    conv.attrs["group"] = channels + extra
    return True


def _before(graph: Graph, conv: Node) -> Node | None:
    """The convolution whose bytes this one alone reads."""
    node: Node | None = conv
    for op in ("DequantizeLinear", "QuantizeLinear", "Conv"):
        node = graph.producer(node.inputs[0]) if node else None
        if node is None or node.op != op or graph.sole_user(node.out) is None:
            return None
    return node if node is not None and node.attrs.get("group", 1) == 1 else None


def _after(graph: Graph, conv: Node) -> Node | None:
    node: Node | None = conv
    for op in ("QuantizeLinear", "DequantizeLinear", "Conv"):
        node = graph.sole_user(node.out) if node else None
        if node is None or node.op != op:
            return None
    return node if node is not None and node.attrs.get("group", 1) == 1 else None


def _weights(graph: Graph, conv: Node) -> list[Node] | None:
    """The two nodes that dequantize its constants."""
    nodes = [graph.producer(name) for name in conv.inputs[1:3]]
    return [n for n in nodes if n is not None] if all(nodes) and len(nodes) == 2 else None


def _pad(
    graph: Graph, dequantize: Node, axis: int, extra: int, *, only_first: bool = False
) -> None:
    """Append zero channels; their scale is one, their integers are zero."""
    names = list(dequantize.inputs)
    for index, name in enumerate(names[:1] if only_first else names):
        array = graph.constants[name]
        widths = [(0, extra if i == axis else 0) for i in range(array.ndim)]
        names[index] = graph.constant(np.pad(array, widths, constant_values=1 if index == 1 else 0))
    graph.rewire(dequantize, names)
