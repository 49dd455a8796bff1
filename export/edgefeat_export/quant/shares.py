"""How much of a quantized network is integer: of its weights, and of its multiplications."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.node import Node
from edgefeat_export.quant.plan import Plan

__all__ = ["IntegerShare", "shares_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerShare:
    """What share of a network is integer, from 0 to 1.

    Attributes:
        weights: Share of the numbers that it has learned.
        macs: Share of the multiply-accumulates for one picture.
    """

    weights: float
    macs: float

    def describe(self) -> str:
        """Return a phrase for people; nothing but all of it is called 100 %."""
        return (
            f"{_percent(self.weights)} of the weights and {_percent(self.macs)} of the"
            " multiplications are integer"
        )

    def as_record(self) -> dict[str, float]:
        """Return what the spec keeps: shares rounded down, so that 1 is all of it."""
        return {
            "integer_weights": int(self.weights * 1e4) / 1e4,
            "integer_macs": int(self.macs * 1e4) / 1e4,
        }


def shares_of(graph: Graph, plan: Plan, rounded: Collection[str]) -> IntegerShare:
    """Return how much of a float network becomes integer.

    Args:
        graph: The float graph of the plan, before the integers are written.
        plan: What becomes integer.
        rounded: Outputs of the weighted steps whose weights became integers.
    """
    replaced = plan.image.steps if plan.image is not None else ()
    weights: dict[str, int] = {}
    whole: set[str] = set()
    macs = whole_macs = 0
    for step in plan.steps:
        if step in replaced:
            continue
        learned = {
            name: array.size
            for name in step.node.inputs
            if name in graph.constants
            and (array := graph.constants[name]).dtype.kind == "f"
            and array.size > 1
        }
        weights |= learned
        count = _macs(graph, step.node)
        macs += count
        if step.output in rounded:
            whole |= learned.keys()
        rounds = step.node.op != "Conv" or step.output in plan.quantized  # else it runs in float
        if step.output in plan.integer and rounds:
            whole_macs += count
    total = sum(weights.values())
    return IntegerShare(
        weights=sum(weights[name] for name in whole) / total if total else 0.0,
        macs=whole_macs / macs if macs else 0.0,
    )


def _percent(share: float) -> str:
    return "100 %" if share == 1 else f"{int(share * 1e3) / 10:g} %"


def _macs(graph: Graph, node: Node) -> int:
    """Return the multiply-accumulates of one operator; 0 if its shapes are not known."""
    count = _MACS.get(node.op)
    return 0 if count is None else count(graph, node)


def _size(graph: Graph, name: str) -> int:
    """Return how many numbers a tensor has for one picture; 0 if that is unknown."""
    if name in graph.constants:
        return int(graph.constants[name].size)
    shape = graph.shape(name)
    return 0 if shape is None else prod(1 if side is None else side for side in shape)


def _last(graph: Graph, name: str) -> int:
    """Return the length of a tensor's last axis; 0 if that is unknown."""
    if name in graph.constants:
        return int(graph.constants[name].shape[-1])
    shape = graph.shape(name)
    return (shape[-1] or 0) if shape else 0


def _convolution(graph: Graph, node: Node) -> int:
    weight = graph.value(node.inputs[1])
    if weight is None:
        return 0
    return _size(graph, node.out) * int(weight[0].size)


def _transposed(graph: Graph, node: Node) -> int:
    weight = graph.value(node.inputs[1])
    if weight is None:
        return 0
    return _size(graph, node.inputs[0]) * int(weight[0].size)


def _dense(graph: Graph, node: Node) -> int:
    """Count rows that a Reshape has made of a map or of tokens by what that one reads."""
    maker = graph.producer(node.inputs[0])
    source = maker.inputs[0] if maker is not None and maker.op == "Reshape" else node.inputs[0]
    return _size(graph, source) * _last(graph, node.out)


def _product(graph: Graph, node: Node) -> int:
    return _size(graph, node.out) * _last(graph, node.inputs[0])


def _einsum(graph: Graph, node: Node) -> int:
    equation = node.attrs["equation"]
    text = equation.decode() if isinstance(equation, bytes) else str(equation)
    terms = text.replace(" ", "").partition("->")[0].split(",")
    sides: dict[str, int] = {}
    for name, term in zip(node.inputs, terms, strict=True):
        shape = graph.constants[name].shape if name in graph.constants else graph.shape(name)
        if shape is None or len(shape) != len(term):
            return 0
        sides |= {
            letter: 1 if side is None else side for letter, side in zip(term, shape, strict=True)
        }
    return prod(sides.values())


_MACS: Final[Mapping[str, Callable[[Graph, Node], int]]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "Einsum": _einsum,
    "Gemm": _dense,
    "MatMul": _product,
}
