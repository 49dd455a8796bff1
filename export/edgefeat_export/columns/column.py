"""What passes from layer to layer while a graph of columns is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from edgefeat.model.columns import HashAlgorithm, HashInput

__all__ = ["ColumnKind", "HashKind", "KerasColumn", "Operand", "Shape"]

Shape = tuple[int | None, ...]


class ColumnKind(StrEnum):
    """What the values of a column are."""

    NUMBER = "number"
    INTEGER = "integer"
    CATEGORY = "category"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class HashKind:
    """A hash of a column's values.

    Attributes:
        key: The 16 bytes of SipHash's key; None for FarmHash64.
    """

    key: bytes | None

    @property
    def algorithm(self) -> HashAlgorithm:
        """The hash's name in a file."""
        return HashAlgorithm.FARMHASH64 if self.key is None else HashAlgorithm.SIPHASH24


@dataclass(slots=True, kw_only=True, eq=False)
class KerasColumn:
    """One input of the network, and what its layers tell of it while they are translated.

    Attributes:
        name: Name of the input, in the graph and in a row.
        dtype: Type in Keras, such as `float32`, `int32` or `string`.
        shape: Shape of one row in Keras: () for a single value.
        texts: Whether a layer splits its strings into tokens.
        words: Known words or whole numbers, in the order of their vocabulary.
        masks: Values that stand for a missing one, by the layers that know such a value.
        refuses_unseen: Whether a layer has no place for a value that its vocabulary lacks.
        bounded: Whether other whole numbers than its words are errors in Keras.
        rows: How many rows an Embedding has that reads it as it is; None if there is none.
        edges: Edges of bins.
        centres: Mean and standard deviation that a layer was adapted to, one pair a value.
        unseen: Names of int64 tensors (N, 1) that count values without a place of their own.
        hashes: Further inputs of the graph, which take hashes of its values.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    texts: bool = False
    words: list[str | int] = field(default_factory=list)
    masks: list[str | int] = field(default_factory=list)
    refuses_unseen: bool = False
    bounded: bool = False
    rows: int | None = None
    edges: list[float] = field(default_factory=list)
    centres: list[tuple[float, float]] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    hashes: list[HashInput] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many values a row has here."""
        count = 1
        for side in self.shape:
            count *= side
        return count

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest whole number that its type in Keras holds."""
        if self.dtype == "bool":
            return 0, 1
        facts = np.iinfo(self.dtype)
        return int(facts.min), min(int(facts.max), 2**63 - 1)

    @property
    def kind(self) -> ColumnKind:
        """What the values are."""
        if self.dtype == "string":
            return ColumnKind.TEXT if self.texts else ColumnKind.CATEGORY
        return ColumnKind.NUMBER if self.dtype.startswith("float") else ColumnKind.INTEGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """A tensor of the graph that is drawn.

    Attributes:
        name: Name in the graph.
        dtype: What the graph holds: `string`, `int64`, `float32` or `float64`.
        shape: Number of elements along each axis, batch axis first; None where it is open.
        column: The input whose values these are, unchanged; None once they were computed with.
        sources: Inputs that stand side by side here, in order, each with the number of its values.
        hashes: The hashes of these values: names of int64 tensors of the same shape.
    """

    name: str
    dtype: str
    shape: Shape
    column: KerasColumn | None = None
    sources: tuple[tuple[KerasColumn, int], ...] = ()
    hashes: Mapping[HashKind, str] = field(default_factory=dict)
