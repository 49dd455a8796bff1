"""Where columns enter the graph: an input for the values of each, and one for each hash of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count

import onnx

from edgefeat.model.columns import HashInput
from edgefeat_export.columns.column import ColumnKind, HashKind, KerasColumn, Operand
from edgefeat_export.columns.drawing import Drawing

__all__ = ["Entrance"]


class Entrance:
    """Draws the inputs of a graph.

    Args:
        drawing: The graph.
        columns: Inputs of the network.
        kinds: The hashes that its layers need.
    """

    def __init__(
        self, drawing: Drawing, columns: Sequence[KerasColumn], kinds: Sequence[HashKind]
    ) -> None:
        self._drawing, self._columns, self._kinds = drawing, columns, kinds
        self._taken = {column.name for column in columns}

    def of(self, column: KerasColumn) -> Operand:
        """Add a column as inputs (N, size), and give them the shape that Keras knows."""
        dtype = "int64" if column.kind is ColumnKind.INTEGER else column.dtype
        name = self._input(column, column.name, dtype)
        hashes = {}
        for kind in () if column.dtype == "bool" else self._kinds:
            one = self._named(column, kind)
            column.hashes.append(one)
            hashes[kind] = self._input(column, one.name, "int64")
        return Operand(
            name=name, dtype=dtype, shape=(None, *column.shape), column=column, hashes=hashes
        )

    def drop_unread(self, graph: onnx.ModelProto) -> None:
        """Take inputs of hashes that no layer reads out of the finished graph and the columns."""
        read = {name for node in graph.graph.node for name in node.input}
        hashed = {one.name for column in self._columns for one in column.hashes}
        for column in self._columns:
            column.hashes = [one for one in column.hashes if one.name in read]
        kept = [one for one in graph.graph.input if one.name in read or one.name not in hashed]
        del graph.graph.input[:]
        graph.graph.input.extend(kept)

    def _input(self, column: KerasColumn, name: str, dtype: str) -> str:
        self._drawing.input(name, dtype, ["batch", column.size])
        if column.shape == (column.size,):
            return name
        shape = self._drawing.integers(-1, *column.shape)
        return self._drawing.add("Reshape", name, shape)

    def _named(self, column: KerasColumn, kind: HashKind) -> HashInput:
        plain = f"{column.name}_{kind.algorithm}"
        numbered = (f"{plain}_{number}" for number in count(2))
        name = next(one for one in chain([plain], numbered) if one not in self._taken)
        self._taken.add(name)
        key = None if kind.key is None else kind.key.hex()
        return HashInput(name=name, algorithm=kind.algorithm, key=key)
