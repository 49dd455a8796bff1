"""Finds a pattern in a graph: what a few operators compute, written as an expression.

A pattern describes one tensor by how it is made. It is compared with a node from its output back
to its inputs::

    x, gamma = Tensor(), Constant()
    pattern = op.Sqrt(x * 2.0) + gamma

    for node, found in search(graph, pattern):
        graph.add("Relu", [found.tensor(x)])

`+`, `*`, `-` and `/` stand for Add, Mul, Sub and Div, a minus sign for Neg, a number for a constant
of one element with that value, and `op.Name(...)` for any other operator. The operands of Add and
Mul may stand in either order. A pattern that stands twice in an expression must be the same tensor
both times. An operator may have more inputs than its pattern names; those can be anything.

The idea is that of onnxscript's rewriter. This one looks for one output at a time, replaces
nothing, and leaves it to the pass what else must hold.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from edgefeat_export.arrays import Array
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.node import Node

__all__ = ["Constant", "Pattern", "Reading", "Tensor", "match", "op", "readers", "search"]

_COMMUTATIVE = ("Add", "Mul")
_RELATIVE_TOLERANCE = 1e-6  # a number that TensorFlow rounded to float32 is off by 6e-8 at most


class Pattern(ABC):
    """One tensor, described by how it is made.

    Attributes:
        ops: Names of the operators that can make the tensor; empty if that is left open.
    """

    ops: tuple[str, ...] = ()

    @abstractmethod
    def ways(self, tensor: str, found: Reading) -> Iterator[Reading]:
        """Yield each way to read a tensor as this pattern, given what is found already."""

    def __add__(self, other: Pattern | float) -> Pattern:
        return _Operator("Add", self, other)

    def __mul__(self, other: Pattern | float) -> Pattern:
        return _Operator("Mul", self, other)

    def __sub__(self, other: Pattern | float) -> Pattern:
        return _Operator("Sub", self, other)

    def __rsub__(self, other: float) -> Pattern:
        return _Operator("Sub", other, self)

    def __truediv__(self, other: Pattern | float) -> Pattern:
        return _Operator("Div", self, other)

    def __neg__(self) -> Pattern:
        return _Operator("Neg", self)

    def __or__(self, other: Pattern) -> Pattern:
        """Return the pattern that is one or the other, whichever fits first."""
        return _Either(self, other)

    def where(self, check: Callable[[Graph, Node], bool]) -> Pattern:
        """Return the pattern with a condition on the node that makes the tensor."""
        return _Checked(self, check)

    def unshared(self) -> Pattern:
        """Return the pattern with the condition that one node alone reads the tensor."""
        return _Checked(self, lambda graph, node: graph.sole_user(node.out) is not None)


class Reading:
    """One way to read a tensor as a pattern: what each part of the pattern was found to be.

    It speaks of the graph as it was searched. Look into it before the graph is changed.

    Args:
        graph: The graph that was searched.
        tensors: Names of the tensors that parts were found to be.
    """

    def __init__(self, graph: Graph, tensors: Mapping[Pattern, str]) -> None:
        self.graph = graph
        self._tensors = tensors

    def __contains__(self, part: Pattern) -> bool:
        """Tell whether this part of an alternative was used."""
        return part in self._tensors

    def tensor(self, part: Pattern) -> str:
        """Return the name of the tensor that a part was found to be."""
        return self._tensors[part]

    def node(self, part: Pattern) -> Node:
        """Return the node that makes the tensor of a part made with an operator."""
        node = self.graph.producer(self._tensors[part])
        if node is None:
            raise KeyError(f"{self._tensors[part]!r} is not computed")
        return node

    def array(self, part: Pattern) -> Array:
        """Return the value of a `Constant` part, of any type and shape."""
        return self.graph.constants[self._tensors[part]]

    def bound(self, part: Pattern, tensor: str) -> Reading | None:
        """Return the reading with one more part, or None if the part is another tensor already."""
        known = self._tensors.get(part)
        if known is not None:
            return self if known == tensor else None
        return Reading(self.graph, {**self._tensors, part: tensor})


class Tensor(Pattern):
    """Any tensor."""

    def ways(self, tensor: str, found: Reading) -> Iterator[Reading]:
        """Yield the one way, unless this pattern was found to be another tensor."""
        bound = found.bound(self, tensor)
        if bound is not None:
            yield bound


class Constant(Pattern):
    """A constant tensor.

    Args:
        value: The only value that fits, of a constant of one element; any constant fits if None.
        elements: Number of elements that the constant must have; any number fits if None.
        rank: Number of axes that the constant must have; any number fits if None.
    """

    def __init__(
        self, value: float | None = None, *, elements: int | None = None, rank: int | None = None
    ) -> None:
        self._value, self._rank = value, rank
        self._elements = elements if value is None else 1

    def ways(self, tensor: str, found: Reading) -> Iterator[Reading]:
        """Yield the one way, if the tensor is a constant with what was asked for."""
        array, bound = found.graph.value(tensor), found.bound(self, tensor)
        if array is None or bound is None:
            return
        if self._elements not in (None, array.size) or self._rank not in (None, array.ndim):
            return
        if self._value is None or _near(float(array.item()), self._value):
            yield bound


class _Operator(Pattern):
    """The first output of an operator."""

    def __init__(self, name: str, *inputs: Pattern | float) -> None:
        self.ops = (name,)
        self._inputs = [part if isinstance(part, Pattern) else Constant(part) for part in inputs]

    def ways(self, tensor: str, found: Reading) -> Iterator[Reading]:
        node, bound = found.graph.producer(tensor), found.bound(self, tensor)
        if node is None or bound is None or node.op not in self.ops or node.out != tensor:
            return
        if len(node.inputs) < len(self._inputs):
            return
        yield from _read_all(self._inputs, node.inputs, bound)
        if node.op in _COMMUTATIVE:
            yield from _read_all(self._inputs, node.inputs[::-1], bound)


class _Either(Pattern):
    """One pattern or the other."""

    def __init__(self, first: Pattern, second: Pattern) -> None:
        self.ops = first.ops + second.ops
        self._choices = first, second

    def ways(self, tensor: str, found: Reading) -> Iterator[Reading]:
        bound = found.bound(self, tensor)
        if bound is not None:
            for choice in self._choices:
                yield from choice.ways(tensor, bound)


class _Checked(Pattern):
    """A pattern with a condition on the node that makes the tensor."""

    def __init__(self, pattern: Pattern, check: Callable[[Graph, Node], bool]) -> None:
        self.ops = pattern.ops
        self._pattern, self._check = pattern, check

    def ways(self, tensor: str, found: Reading) -> Iterator[Reading]:
        node, bound = found.graph.producer(tensor), found.bound(self, tensor)
        if node is not None and bound is not None and self._check(found.graph, node):
            yield from self._pattern.ways(tensor, bound)


class _Operators:
    """Makes patterns of operators by name: `op.Erf(x)`."""

    def __getattr__(self, name: str) -> Callable[..., Pattern]:
        return lambda *inputs: _Operator(name, *inputs)


op: Any = _Operators()
"""`op.Name(input, ...)` is the pattern of the first output of the operator `Name`."""


def match(graph: Graph, node: Node, pattern: Pattern) -> Reading | None:
    """Return the first way to read a node's first output as a pattern; None if there is none.

    Args:
        graph: The graph of the node.
        node: Node whose first output is compared.
        pattern: What to compare it with.
    """
    return next(pattern.ways(node.out, Reading(graph, {})), None)


def search(graph: Graph, pattern: Pattern) -> Iterator[tuple[Node, Reading]]:
    """Yield every node whose first output fits a pattern, each with the first way to read it.

    The graph may be changed meanwhile: a node that is gone when its turn comes is passed over.
    """
    for node in graph.find(*pattern.ops):
        found = match(graph, node, pattern)
        if found is not None:
            yield node, found


def readers(graph: Graph, tensor: str, *ops: str) -> list[Node] | None:
    """Follow a tensor to the one node that reads it, from there to the next, and so on.

    Returns:
        The nodes, one for each of `ops`; None if a tensor has another reader, is an output, or the
        operators are not these.
    """
    nodes: list[Node] = []
    for name in ops:
        node = graph.sole_user(tensor)
        if node is None or node.op != name:
            return None
        nodes.append(node)
        tensor = node.out
    return nodes


def _read_all(patterns: list[Pattern], tensors: list[str], found: Reading) -> Iterator[Reading]:
    """Yield each way to read the first tensors as these patterns, all at once."""
    if not patterns:
        yield found
        return
    for one in patterns[0].ways(tensors[0], found):
        yield from _read_all(patterns[1:], tensors[1:], one)


def _near(value: float, wanted: float) -> bool:
    return math.isclose(value, wanted, rel_tol=_RELATIVE_TOLERANCE)
