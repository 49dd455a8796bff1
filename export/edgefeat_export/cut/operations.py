"""A network as its operators: what every tensor is made of, in the same words for every format.

Keras 3, Keras 2 and a SavedModel name their layers differently, but all of them run the same
operators. So the head is looked for here, and the same network is cut at the same tensor whatever
file it came in. Only what hangs on the picture is kept: weights and sizes are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Final

__all__ = ["Operation", "Operations"]

WEIGHTED: Final = frozenset(
    [
        "BatchMatMul",
        "BatchMatMulV2",
        "BatchMatMulV3",
        "Conv2D",
        "Conv2DBackpropInput",
        "Conv3D",
        "Conv3DBackpropInputV2",
        "DepthwiseConv2dNative",
        "Einsum",
        "MatMul",
    ]
)
"""Operators that mix what they get with weights, if one of their inputs is not computed."""
OPAQUE: Final = frozenset(
    ["PartitionedCall", "StatefulPartitionedCall", "StatelessWhile", "While", "StatelessIf", "If"]
)
"""Operators with a graph of their own inside: grouped convolutions and recurrent layers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One tensor that hangs on the picture, and the operator that gives it.

    Attributes:
        name: Name of the tensor, unlike all others.
        op: Type of the operator, in TensorFlow's words.
        shape: Shape without the batch axis; None for a side that is not known, and for the whole
            where nothing is known.
        before: The tensors it is computed from, without weights and other constants.
        constants: How many numbers each of its constants holds.
        random: Whether it is drawn anew each time, or made of something that is.
    """

    name: str
    op: str
    shape: tuple[int | None, ...] | None
    before: tuple[str, ...]
    constants: tuple[int, ...] = ()
    random: bool = False

    @property
    def weighted(self) -> bool:
        """Whether it is a layer with weights: dense, convolution, recurrent."""
        return self.op in OPAQUE or (self.op in WEIGHTED and len(self.before) == 1)

    @property
    def width(self) -> int:
        """How many numbers stand on its last axis; 0 if nobody knows."""
        return (self.shape[-1] or 0) if self.shape else 0

    @property
    def size(self) -> int:
        """How many numbers it holds for one picture; 0 if nobody knows."""
        return 0 if self.shape is None or None in self.shape else prod(map(int, self.sides))

    @property
    def sides(self) -> tuple[int, ...]:
        """The shape, with 0 for a side that is not known."""
        return tuple(side or 0 for side in self.shape or ())

    @property
    def is_map(self) -> bool:
        """Whether it is (height, width, channels) of more than one place."""
        return len(self.sides) == 3 and self.places > 1

    @property
    def places(self) -> int:
        """At how many places of the picture it has numbers: 1 for a vector."""
        return prod(self.sides[:-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """The tensors of a network between its picture and its outputs.

    Attributes:
        nodes: Every tensor by its name, each after those it is made of.
        image: Name of the picture's tensor.
        outputs: The tensors of the outputs.
        layer_of: The layer whose output a tensor is, for those where one can cut.
    """

    nodes: Mapping[str, Operation]
    image: str
    outputs: tuple[str, ...]
    layer_of: Mapping[str, str]
    _place: dict[str, int] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._place.update({name: place for place, name in enumerate(self.nodes)})

    def __getitem__(self, name: str) -> Operation:
        return self.nodes[name]

    def before(self, node: Operation) -> list[Operation]:
        """Return the nodes that a node is computed from."""
        return [self.nodes[name] for name in node.before]

    def in_order(self, names: Iterable[str]) -> list[Operation]:
        """Return nodes by name, from the picture to the outputs."""
        return [self.nodes[name] for name in sorted(names, key=self._place.__getitem__)]

    def upstream(self, names: Iterable[str]) -> set[str]:
        """Return the names of the nodes that lead to some nodes, those included."""
        found, left = set[str](), list(names)
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left.extend(self.nodes[name].before)
        return found

    def nearest_weighted(self, names: Sequence[str]) -> list[Operation]:
        """Return the weighted layers nearest to some nodes on every way back to the picture."""
        found, seen, left = set[str](), set[str](), list(names)
        while left:
            name = left.pop()
            if name in seen:
                continue
            seen.add(name)
            if self.nodes[name].weighted:
                found.add(name)
            else:
                left.extend(self.nodes[name].before)
        return self.in_order(found)

    def depth(self, names: Iterable[str], above: set[str]) -> int:
        """Return the longest row of weighted layers that leads to some nodes.

        Args:
            names: The nodes.
            above: Nodes that do not count, and where a row ends.
        """
        depths = dict[str, int]()
        for node in self.in_order(self.upstream(names) - above):
            below = max((depths.get(name, 0) for name in node.before), default=0)
            depths[node.name] = below + node.weighted
        return max(depths.values(), default=0)
