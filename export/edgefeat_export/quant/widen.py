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
    makers = [_weights(graph, before), _weights(graph, conv)]
    readers = _weights(graph, after)
    if readers is None or None in makers:
        return False
    for node, parts in zip((before, conv), makers, strict=True):
        if parts is not None:
            _pad(graph, parts[0], 0, extra, scale=1.0)
            _pad(graph, parts[1], 0, extra, scale=_scale(graph, node))
    _pad_weight(graph, readers[0], extra)
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


def _weights(graph: Graph, conv: Node) -> tuple[Node, Node] | None:
    """The two nodes that dequantize its constants."""
    weight, bias = (graph.producer(name) for name in conv.inputs[1:3])
    return None if weight is None or bias is None else (weight, bias)


def _scale(graph: Graph, conv: Node) -> float:
    """Of the bytes it reads."""
    source = graph.producer(conv.inputs[0])
    return 1.0 if source is None else float(graph.constants[source.inputs[1]])


def _pad(graph: Graph, dequantize: Node, axis: int, extra: int, *, scale: float) -> None:
    """Append zero channels.

    A bias in units other than weight scale times input scale would keep ONNX Runtime from fusing.
    """
    names = []
    for index, name in enumerate(dequantize.inputs):
        array = graph.constants[name]
        widths = [(0, extra if i == axis else 0) for i in range(array.ndim)]
        filling = np.asarray(scale if index == 1 else 0, array.dtype)
        names.append(graph.constant(np.pad(array, widths, constant_values=filling)))
    graph.rewire(dequantize, names)


def _pad_weight(graph: Graph, dequantize: Node, extra: int) -> None:
    """Append zero input channels to the layer that reads the widened one."""
    array = graph.constants[dequantize.inputs[0]]
    padded = graph.constant(np.pad(array, [(0, 0), (0, extra), (0, 0), (0, 0)]))
    graph.rewire(dequantize, [padded, *dequantize.inputs[1:]])
