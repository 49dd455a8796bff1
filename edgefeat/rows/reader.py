"""Rows become a graph's inputs; those that do not fit are left out and named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import RowError
from edgefeat.record import Record
from edgefeat.rows.columns import Column, Described
from edgefeat.rows.given import RowTable, as_row, check_names

__all__ = ["Checked", "Feed", "RowReader"]

Feed = dict[str, NDArray[Any]]


class Checked(Record):
    """Some rows that were looked at.

    Args:
        feed: The graph's inputs of the rows that fit, by name: `(n, size)`.
        places: The positions of these rows.
        errors: Why the others do not fit, by position.
        lengths: Characters of each fitting row's longest text; None without texts.
    """

    feed: Feed
    places: NDArray[np.int64]
    errors: Mapping[int, RowError]
    lengths: NDArray[np.int64] | None = None


class RowReader:
    """Turns rows into inputs of a graph.

    Args:
        described: What the model says of its columns.
        max_text: Characters that a text may have; None for as many as the model says.
    """

    def __init__(self, described: Sequence[Described], *, max_text: int | None = None) -> None:
        self.columns = tuple(Column(one, max_text=max_text) for one in described)
        self._usual = {one.name for one in self.columns}

    def one(self, given: Any) -> Feed:
        """Return the inputs of one row: `(1, size)` each.

        Raises:
            RowError: A column is missing, unknown, or has a value that does not fit.
        """
        row = self._whole(given)
        feed: Feed = {}
        for column in self.columns:
            array, errors = column.array([_picked(column, row)])
            if errors:
                raise errors[0]
            feed |= column.inputs(array)
        return feed

    def several(self, given: Iterable[Any]) -> Checked:
        """Return the inputs of some rows that come one by one."""
        errors: dict[int, RowError] = {}
        rows: list[Mapping[str, Any]] = []
        places: list[int] = []
        for place, one in enumerate(given):
            try:
                rows.append(self._whole(one))
                places.append(place)
            except RowError as error:
                errors[place] = error
        values = {one.name: [_picked(one, row) for row in rows] for one in self.columns}
        return self._checked(values, np.array(places, np.int64), errors)

    def table(self, given: RowTable) -> Checked:
        """Return the inputs of a table whose columns were held against the model's."""
        values = {one.name: _column_of(one, given.columns) for one in self.columns}
        return self._checked(values, np.arange(len(given)), {})

    def _whole(self, one: Any) -> Mapping[str, Any]:
        """Return a row that has all columns and no others."""
        row = as_row(one, self.columns)
        if row.keys() != self._usual:
            check_names(row, self.columns, loose=False)
        return row

    def _checked(
        self,
        values: Mapping[str, Sequence[Any]],
        places: NDArray[np.int64],
        errors: dict[int, RowError],
    ) -> Checked:
        """Convert columns; `places` are the positions of their rows."""
        feed: Feed = {}
        bad: set[int] = set()
        for column in self.columns:
            feed[column.name], found = column.array(values[column.name])
            for position, error in found.items():
                errors.setdefault(int(places[position]), error)
                bad.add(position)
        if bad:
            keep = np.setdiff1d(np.arange(len(places)), np.array(sorted(bad)))
            places = places[keep]
            feed = {name: array[keep] for name, array in feed.items()}
        for column in self.columns:
            feed |= column.inputs(feed[column.name])
        return Checked(feed=feed, places=places, errors=errors, lengths=self._lengths(feed))

    def _lengths(self, feed: Feed) -> NDArray[np.int64] | None:
        texts = [feed[column.name] for column in self.columns if column.is_text]
        if not texts:
            return None
        rows = zip(*texts, strict=True)
        longest = [max(len(text) for part in row for text in part) for row in rows]
        return np.array(longest, np.int64)


def _picked(column: Column, row: Mapping[str, Any]) -> Any:
    """Return what a row gives for a column: its value, or a list of what its parts are given."""
    if column.name in row:
        return row[column.name]
    parts = [row[name] for name in column.names]
    return parts if column.size > 1 else parts[0]


def _column_of(column: Column, columns: Mapping[str, Any]) -> Any:
    """Return what a table gives for a column, one value or list a row."""
    if column.name in columns:
        return columns[column.name]
    parts = [columns[name] for name in column.names]
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, np.ndarray) and part.dtype.kind == "f" for part in parts):
        return np.stack(parts, axis=1)
    return list(zip(*parts, strict=True))
