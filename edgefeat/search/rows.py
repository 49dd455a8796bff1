"""The rows that are searched: stored vectors in blocks, and the length of each, computed once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SinkError

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Block", "Rows", "StoredRows"]

_NORM_ROWS = 256  # so many rows as float64 stay in the CPU's cache


class StoredRows(Protocol):
    """Vectors as they are kept: float32, float16, or int8 and uint8 with one scale a vector."""

    @property
    def numbers(self) -> NDArray[Any]:
        """The stored numbers, `(N, D)`."""

    @property
    def scales(self) -> NDArray[np.float32] | None:
        """The scale of each vector of whole numbers, `(N,)`; None for floats."""

    @property
    def sha256(self) -> str | None:
        """The hash of the files that hold them; None where there are no such files."""

    def __len__(self) -> int:
        """How many vectors there are."""


class Block:
    """Some rows as they are stored: one part for each output of the model.

    Args:
        positions: Where the rows are in the set.
        numbers: For each output its stored numbers, `(n, D)`.
        scales: For each output the scale of each vector of int8 or uint8; None for floats.
    """

    __slots__ = ("_numbers", "_scales", "positions")

    def __init__(
        self,
        positions: NDArray[np.intp],
        numbers: Sequence[NDArray[Any]],
        scales: Sequence[NDArray[np.float32] | None],
    ) -> None:
        self.positions, self._numbers, self._scales = positions, numbers, scales

    def __len__(self) -> int:
        return len(self._numbers[0])

    @property
    def is_whole(self) -> bool:
        """Whether all numbers are kept as whole numbers of 8 bits."""
        return all(scales is not None for scales in self._scales)

    def codes(self) -> Iterator[tuple[NDArray[np.integer[Any]], NDArray[np.float32]]]:
        """Yield the whole numbers of each output, int8 or uint8, with their scales."""
        for numbers, scales in zip(self._numbers, self._scales, strict=True):
            if scales is not None:
                yield numbers, scales

    def decode(self, rows: Any = slice(None)) -> Features:
        """Return some of the rows as float32 `(n, D)`, all outputs side by side.

        Args:
            rows: A slice or an array of positions in this block.
        """
        decoded = [
            _decoded(numbers[rows], None if scales is None else scales[rows])
            for numbers, scales in zip(self._numbers, self._scales, strict=True)
        ]
        return decoded[0] if len(decoded) == 1 else np.concatenate(decoded, axis=1)


class Rows:
    """Stored vectors that can be searched; they stay as they are stored, on disk too.

    Args:
        columns: For each output of the model its rows, in one or more parts. All outputs are cut
            into parts at the same rows.
    """

    def __init__(self, columns: Sequence[Sequence[StoredRows]]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return sum(map(len, self._columns[0]))

    @property
    def widths(self) -> list[int]:
        """How many numbers each output has in a row."""
        return [column[0].numbers.shape[1] if column else 0 for column in self._columns]

    @property
    def has_whole(self) -> bool:
        """Whether any rows are kept as whole numbers of 8 bits."""
        return any(part.scales is not None for column in self._columns for part in column)

    def identity(self) -> str:
        """Return a hash of all numbers; those of a folder's shards are not read for it."""
        whole = hashlib.sha256()
        for column in self._columns:
            for part in column:
                whole.update(f"{part.numbers.dtype} {part.numbers.shape} ".encode())
                if part.sha256 is not None:
                    whole.update(part.sha256.encode())
                    continue
                whole.update(np.ascontiguousarray(part.numbers).data)
                if part.scales is not None:
                    whole.update(np.ascontiguousarray(part.scales).data)
        return whole.hexdigest()

    def blocks(self, size: int, *, skip: int = 0) -> Iterator[Block]:
        """Yield all rows, at most `size` at a time.

        Args:
            size: How many rows a block has, at most.
            skip: Leave out the blocks that begin among so many first rows.
        """
        first = 0
        for parts in zip(*self._columns, strict=True):
            for start in range(0, len(parts[0]), size):
                if first + start < skip:
                    continue
                rows = slice(start, start + size)
                numbers = [part.numbers[rows] for part in parts]
                scales = [None if part.scales is None else part.scales[rows] for part in parts]
                positions = np.arange(len(numbers[0])) + (first + start)
                yield Block(positions, numbers, scales)
            first += len(parts[0])

    def picked(self, rows: NDArray[np.intp]) -> Block:
        """Return some rows, in any order, as one block of float32."""
        return Block(rows, [self.take(rows)], [None])

    def take(self, rows: NDArray[np.intp]) -> Features:
        """Return some rows, in any order, as float32 `(n, D)`."""
        taken = []
        for column in self._columns:
            ends = np.cumsum([len(part) for part in column])
            of_part = np.searchsorted(ends, rows, side="right")
            found = np.empty((len(rows), column[0].numbers.shape[1]), np.float32)
            for i in np.unique(of_part):
                here = of_part == i
                part, there = column[i], rows[here] - (ends[i] - len(column[i]))
                scales = None if part.scales is None else part.scales[there]
                found[here] = _decoded(part.numbers[there], scales)
            taken.append(found)
        return taken[0] if len(taken) == 1 else np.concatenate(taken, axis=1)

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """The length (L2 norm) of each row, float64 `(N,)`, computed at the first search.

        Raises:
            SinkError: A row holds a number that is not finite.
        """
        squares = np.empty(len(self), np.float64)
        for block in self.blocks(_NORM_ROWS):
            exact = block.decode().astype(np.float64)
            squares[block.positions] = np.einsum("nd,nd->n", exact, exact)
        odd = np.flatnonzero(~np.isfinite(squares))
        if len(odd):
            raise SinkError(
                f"row {odd[0]} holds a number that is not finite, and {len(odd) - 1} other rows do",
                remedy="Leave such rows out, or extract again.",
            )
        return np.sqrt(squares)


def _decoded(numbers: NDArray[Any], scales: NDArray[np.float32] | None) -> Features:
    floats = np.asarray(numbers, np.float32)
    if scales is None:
        return floats
    decoded: Features = floats * scales[:, np.newaxis]
    return decoded
