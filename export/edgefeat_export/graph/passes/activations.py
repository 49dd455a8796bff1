"""Activations that TensorFlow spells out, as the one operator ONNX has for them."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["fuse_hard_swish"]


def fuse_hard_swish(graph: Graph) -> None:
    """relu6(x + 3) / 6 is HardSigmoid(1/6, 1/2); times x, it is HardSwish (Howard 2019, eq. 5)."""
    for scale in graph.find("Mul"):
        x = _hard_sigmoid_input(graph, scale)
        if x is None:
            continue
        gate = graph.add("HardSigmoid", [x], alpha=1 / 6, beta=0.5)
        graph.replace(scale, gate.out)
    for product in graph.find("Mul"):
        for factor, other in (product.inputs, product.inputs[::-1]):
            if graph.opset >= 14 and _gates(graph.producer(factor), other):
                graph.replace(product, graph.add("HardSwish", [other]).out)
                break


def _gates(node: Node | None, x: str) -> bool:
    if node is None or node.op != "HardSigmoid" or node.inputs[0] != x:
        return False
    return _near(node.attrs.get("alpha", 0.2), 1 / 6) and _near(node.attrs.get("beta", 0.5), 0.5)


def _hard_sigmoid_input(graph: Graph, scale: Node) -> str | None:
    clip_name, sixth = _split_scalar(graph, scale)
    clip = graph.producer(clip_name)
    if clip is None or clip.op != "Clip" or not _near(sixth, 1 / 6):
        return None
    bounds = [_scalar(graph, name) for name in clip.inputs[1:]]
    shift = graph.producer(clip.inputs[0])
    if bounds != [0.0, 6.0] or shift is None or shift.op != "Add":
        return None
    x, three = _split_scalar(graph, shift)
    return x if _near(three, 3.0) else None


def _near(value: float | None, wanted: float) -> bool:
    return value is not None and bool(np.isclose(value, wanted, rtol=1e-6))


def _scalar(graph: Graph, name: str) -> float | None:
    value = graph.value(name)
    return float(value.reshape(())) if value is not None and value.size == 1 else None


def _split_scalar(graph: Graph, node: Node) -> tuple[str, float | None]:
    """The computed operand of a commutative node, and the scalar constant beside it."""
    first, second = node.inputs
    if graph.value(first) is not None:
        first, second = second, first
    return first, _scalar(graph, second)
