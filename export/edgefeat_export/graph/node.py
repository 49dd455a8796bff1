"""One operator of a graph, as passes see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["RANDOM_OPS", "Node"]

RANDOM_OPS = frozenset(
    {
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    }
)
"""Operators that give something else each time they run."""


@dataclass(eq=False, slots=True)
class Node:
    """One operator of the standard ONNX domain. A node is equal only to itself.

    Attributes:
        op: Name of the operator, such as "Conv".
        inputs: Names of the tensors that it reads; "" for an optional input that is left out.
        outputs: Names of the tensors that it makes.
        attrs: Attributes by name, as onnx gives their values.
    """

    op: str
    inputs: list[str]
    outputs: list[str]
    attrs: dict[str, Any]

    @property
    def out(self) -> str:
        """The first output. Nearly every operator has no other."""
        return self.outputs[0]
