"""Divides a float graph into the steps of an integer runtime: operators with their activations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["INTEGER_OPS", "WEIGHTED_OPS", "Step", "bounds_of", "give_biases", "steps_of"]

WEIGHTED_OPS = frozenset({"Conv", "Gemm"})
SHARING_OPS = frozenset({"MaxPool", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"})
"""Operators that only move or select numbers. Their output has the parameters of their input."""
INTEGER_OPS = WEIGHTED_OPS | {
    "Add",
    "AveragePool",
    "Concat",
    "GlobalAveragePool",
    "MatMul",
    "MaxPool",
    "Mul",
}
"""Operators that ONNX Runtime runs on integers, given quantized inputs and output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operator, with the Relu or Clip behind it that the range of its bytes makes needless.

    Attributes:
        node: The operator.
        activation: The Relu or Clip right behind it; None if there is none.
        output: Name of the tensor behind both.
        floor: The output is never below this.
        ceiling: The output is never above this.
    """

    node: Node
    activation: Node | None
    output: str
    floor: float
    ceiling: float

    @property
    def weighted(self) -> bool:
        """Whether it holds weights."""
        return self.node.op in WEIGHTED_OPS

    def activated(self, x: NDArray[Any]) -> NDArray[Any]:
        """Return what the activation makes of the operator's output, of any type and shape."""
        return x if self.activation is None else np.clip(x, self.floor, self.ceiling)


def steps_of(graph: Graph) -> list[Step]:
    """Return the steps, inputs before users."""
    steps, absorbed = [], set()
    for node in graph.in_order():
        if node in absorbed:
            continue
        activation = _absorbable(graph, node) if node.op in INTEGER_OPS else None
        if activation is not None:
            absorbed.add(activation)
        last = activation or node
        low, high = bounds_of(graph, last)
        steps.append(
            Step(node=node, activation=activation, output=last.out, floor=low, ceiling=high)
        )
    return steps


def give_biases(graph: Graph) -> None:
    """Give every weighted operator a bias to correct: zeros where it had none."""
    for node in graph.find(*WEIGHTED_OPS):
        weight = graph.value(node.inputs[1])
        if weight is None or (len(node.inputs) > 2 and node.inputs[2]):
            continue
        outputs = weight.shape[1 if node.op == "Gemm" and not node.attrs.get("transB") else 0]
        zeros = graph.constant(np.zeros(outputs, weight.dtype))
        graph.rewire(node, [*node.inputs[:2], zeros])


def bounds_of(graph: Graph, node: Node) -> tuple[float, float]:
    """Return the lowest and the highest output that an operator can give, whatever its input."""
    if node.op == "Relu":
        return 0.0, math.inf
    if node.op in ("Sigmoid", "HardSigmoid", "Softmax"):
        return 0.0, 1.0
    if node.op == "Clip":
        values = [graph.value(name) if name else None for name in node.inputs[1:]]
        low, high = [*values, None, None][:2]
        return (
            -math.inf if low is None else float(np.asarray(low)),
            math.inf if high is None else float(np.asarray(high)),
        )
    return -math.inf, math.inf


def _absorbable(graph: Graph, node: Node) -> Node | None:
    user = graph.sole_user(node.out)
    if user is None or user.op not in ("Relu", "Clip") or user.inputs[0] != node.out:
        return None
    # Bytes cut off exactly at zero only, where the zero point is 0.
    return user if bounds_of(graph, user)[0] == 0.0 else None
