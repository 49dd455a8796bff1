"""Layer normalisation as TensorFlow spells it out, in fewer and cheaper steps.

Keras computes x * (g / s) + (b - m * g / s), thirteen nodes with four passes over the map. Written
as (x - m) / s, then * g + b, the last two are per-channel and fold into the Dense layer behind.
LayerNormalization itself needs the channels last: with its two Transposes it ran no faster.
"""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["tidy_layer_norm"]


def tidy_layer_norm(graph: Graph) -> None:
    """Rewrite every x * inv + (beta - mean * inv) whose inv is gamma / sqrt(var(x) + eps)."""
    for last in graph.find("Add"):
        for scaled, rest in (last.inputs, last.inputs[::-1]):
            if _rewrite(graph, last, graph.producer(scaled), rest):
                break


def _rewrite(graph: Graph, last: Node, scaled: Node | None, rest: str) -> bool:
    beta, shift = _constant_operand(graph, graph.producer(rest), "Add")
    minus = graph.producer(shift) if shift is not None else graph.producer(rest)
    if scaled is None or minus is None or scaled.op != "Mul" or minus.op != "Mul":
        return False
    for x, inverse in (scaled.inputs, scaled.inputs[::-1]):
        negated = [name for name in minus.inputs if name != inverse]
        neg = graph.producer(negated[0]) if len(negated) == 1 else None
        gamma, root = _constant_operand(graph, graph.producer(inverse), "Mul")
        deviation = _deviation(graph, graph.producer(root if root is not None else inverse))
        if neg is None or neg.op != "Neg" or deviation is None:
            continue
        centred, spread = deviation
        sub = graph.producer(centred)
        if sub is None or sub.op != "Sub" or sub.inputs != [x, neg.inputs[0]]:
            continue
        y = graph.add("Div", [centred, spread]).out
        if gamma is not None:
            y = graph.add("Mul", [y, gamma]).out
        if beta is not None:
            y = graph.add("Add", [y, beta]).out
        graph.replace(last, y)
        return True
    return False


def _constant_operand(graph: Graph, node: Node | None, op: str) -> tuple[str | None, str | None]:
    """(constant, computed) operands of this commutative operator, or (None, None)."""
    if node is None or node.op != op:
        return None, None
    first, second = node.inputs
    if graph.value(first) is not None:
        return first, second
    return (second, first) if graph.value(second) is not None else (None, None)


def _deviation(graph: Graph, reciprocal: Node | None) -> tuple[str, str] | None:
    """(x - m, s) of a 1 / s with s = sqrt(mean((x - m)^2) + eps)."""
    if reciprocal is None or reciprocal.op != "Reciprocal":
        return None
    root = graph.producer(reciprocal.inputs[0])
    shifted = graph.producer(root.inputs[0]) if root is not None and root.op == "Sqrt" else None
    _, variance = _constant_operand(graph, shifted, "Add")
    mean = graph.producer(variance) if variance is not None else None
    square = (
        graph.producer(mean.inputs[0]) if mean is not None and mean.op == "ReduceMean" else None
    )
    if square is None or square.op != "Mul" or square.inputs[0] != square.inputs[1]:
        return None
    return square.inputs[0], reciprocal.inputs[0]
