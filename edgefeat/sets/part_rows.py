"""Rows of Parquet files, read when they are wanted: a group at a time, the last one kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SinkError
from edgefeat.sets.parquet import pyarrow_for

__all__ = ["GroupRows", "PartFile"]


class PartFile:
    """One Parquet file of many: open only while it is read, its end read once.

    Args:
        open_file: Opens it for reading.
        where: What it is called.
    """

    def __init__(self, open_file: Callable[[], IO[bytes]], where: str) -> None:
        self._open, self.where = open_file, where
        self._lock = Lock()
        self._kept: tuple[int, str, Any] = (-1, "", None)
        self._end: Any = None
        self._held: Any = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the file open meanwhile: over a network each opening is a question or two.

        Raises:
            SinkError: It is no Parquet file, or cannot be read.
        """
        with self._opened() as file:
            self._held = file
            try:
                yield
            finally:
                self._held = None

    @property
    def schema(self) -> Any:
        """The Arrow schema, with its metadata."""
        with self._opened() as file:
            return file.schema_arrow

    @cached_property
    def group_rows(self) -> list[int]:
        """How many rows each group has."""
        with self._opened() as file:
            end = file.metadata
        return [end.row_group(group).num_rows for group in range(end.num_row_groups)]

    def texts(self, column: str) -> list[str | None]:
        """Return a whole column of texts."""
        with self._opened() as file:
            found: list[str | None] = file.read(columns=[column]).column(0).to_pylist()
        return found

    def column(self, group: int, name: str) -> Any:
        """Return a column of one group; the last one that was asked for is kept."""
        with self._lock:
            if self._kept[:2] != (group, name):
                with self._opened() as file:
                    read = file.read_row_group(group, columns=[name])
                self._kept = group, name, read.column(0).combine_chunks()
            return self._kept[2]

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        if self._held is not None:
            yield self._held
            return
        arrow, parquet = pyarrow_for(self.where)
        try:
            with self._open() as file:
                found = parquet.ParquetFile(file, metadata=self._end)
                self._end = found.metadata
                yield found
        except (arrow.ArrowException, OSError) as error:
            raise SinkError(
                f"not a Parquet file that can be read: {error}",
                where=self.where,
                remedy="Remove it, and do the part again.",
            ) from error


class GroupRows:
    """The numbers of one column, as an array `(N, D)` that is read where it is looked at.

    Args:
        file: The file.
        column: The column: lists of D numbers, or numbers (D None).
        size: D.
        dtype: The type of one number: float32, float16, int8 or uint8.
        rows: Which rows of the file count, sorted: intp `(N,)`.
    """

    def __init__(
        self,
        file: PartFile,
        column: str,
        size: int | None,
        dtype: np.dtype[Any],
        rows: NDArray[np.intp],
    ) -> None:
        self._file, self._column, self._size, self._rows = file, column, size, rows
        self.dtype = dtype
        self.shape = (len(rows),) if size is None else (len(rows), size)
        self.ndim = len(self.shape)
        ends = np.cumsum(file.group_rows)
        self._starts = np.concatenate([[0], ends[:-1]]) if len(ends) else np.zeros(1, np.intp)

    def __len__(self) -> int:
        return len(self._rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def __getitem__(self, key: slice | Sequence[int] | NDArray[Any]) -> NDArray[Any]:
        """Return some rows, in any order, as an array."""
        rows = self._rows[key]
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        for group in np.unique(groups):
            here = groups == group
            found[here] = self._of_group(int(group), rows[here] - self._starts[group])
        return found

    def _of_group(self, group: int, rows: NDArray[np.intp]) -> NDArray[Any]:
        column = self._file.column(group, self._column)
        if self._size is None:
            return np.asarray(column.to_numpy(zero_copy_only=False))[rows]
        there = np.flatnonzero(np.asarray(column.is_valid()))
        numbers = column.flatten().to_numpy(zero_copy_only=False)
        if len(numbers) != len(there) * self._size:
            raise SinkError(
                f"column {self._column!r}: vectors that are not all of {self._size} numbers",
                where=self._file.where,
            )
        positions = np.searchsorted(there, rows)
        if not np.array_equal(there[np.minimum(positions, len(there) - 1)], rows):
            raise SinkError(
                f"column {self._column!r}: a row without an error has no vector",
                where=self._file.where,
            )
        return np.asarray(numbers.reshape(-1, self._size)[positions])
