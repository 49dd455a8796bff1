"""The exact GELU, in the one spelling onnxruntime recognises and computes in a single pass."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["spell_gelu"]


def spell_gelu(graph: Graph) -> None:
    """0.5 x erfc(-x / sqrt 2) and its variants become (x / 2) * (1 + erf(x / sqrt 2))."""
    for product in graph.find("Mul"):
        for half_name, gate_name in (product.inputs, product.inputs[::-1]):
            x = _times(graph, half_name, 0.5)
            if x is not None and _is_one_minus_erf(graph, gate_name, x):
                half = graph.add("Mul", [x, graph.constant(np.array(0.5, np.float32))])
                scaled = graph.add("Div", [x, graph.constant(np.array(np.sqrt(2), np.float32))])
                erf = graph.add("Erf", [scaled.out])
                gate = graph.add("Add", [erf.out, graph.constant(np.array(1, np.float32))])
                graph.replace(product, graph.add("Mul", [half.out, gate.out]).out)
                break


def _is_one_minus_erf(graph: Graph, name: str, x: str) -> bool:
    """Whether a tensor is 1 - erf(-x / sqrt 2)."""
    gate = graph.producer(name)
    one = graph.value(gate.inputs[0]) if gate is not None and gate.op == "Sub" else None
    if gate is None or one is None or one.size != 1 or one.item() != 1:
        return False
    erf = graph.producer(gate.inputs[1])
    if erf is None or erf.op != "Erf":
        return False
    source = _times(graph, erf.inputs[0], np.sqrt(0.5))
    negated = graph.producer(source) if source is not None else None
    if negated is not None and negated.op == "Neg":
        return negated.inputs[0] == x
    return _times(graph, erf.inputs[0], -np.sqrt(0.5)) == x


def _times(graph: Graph, name: str, factor: float) -> str | None:
    """What a tensor is `factor` times of, if it says so."""
    node: Node | None = graph.producer(name)
    if node is None or node.op != "Mul":
        return None
    for x, constant in (node.inputs, node.inputs[::-1]):
        value = graph.value(constant)
        if value is not None and value.size == 1 and np.isclose(value.item(), factor, rtol=1e-6):
            return x
    return None
