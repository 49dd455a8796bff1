"""The user's own rows, to measure on and to fit a reduction to: a CSV or a Parquet file.

Nothing of them is kept in the model file but the names of values that one input takes together.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from edgefeat.errors import DependencyError
from edgefeat_export.columns.column import ColumnKind, KerasColumn
from edgefeat_export.columns.ruled_rows import Arrays
from edgefeat_export.errors import ExportError

__all__ = ["TableRows", "read_table", "rows_for"]

_SUFFIXES: Final = (".csv", ".parquet")
_MOST_NAMED: Final = 6
_INSTALL: Final = "pip install 'edgefeat[parquet]'"
Table = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """Rows of a file as a network takes them.

    Attributes:
        arrays: One array a column of the network, in order.
        parts: The names of the file's columns that one input takes together, by the input's name.
        left_out: How many rows do not fit.
        reason: Why the first of them does not fit; empty if all do.
    """

    arrays: Arrays
    parts: Mapping[str, tuple[str, ...]]
    left_out: int
    reason: str


def read_table(path: Path) -> Table:
    """Return the columns of a file by name. A CSV holds texts only.

    Raises:
        ExportError: It cannot be read, or is of another kind.
        DependencyError: It is Parquet, and pyarrow is missing.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise ExportError(
            f"expected a table that ends in {' or '.join(_SUFFIXES)}",
            where=path,
            remedy="Save it as CSV, with the names of the columns in the first line.",
        )
    try:
        return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    except (OSError, ValueError, csv.Error) as error:
        raise ExportError(
            f"it cannot be read: {getattr(error, 'strerror', None) or error}",
            where=path,
            remedy="Check the path, and that it is a table.",
        ) from error


def rows_for(table: Table, columns: Sequence[KerasColumn], path: Path) -> TableRows:
    """Return the rows of a table as a network takes them.

    Args:
        table: Values by the names of columns.
        columns: The network's columns.
        path: The file, for messages.

    Raises:
        ExportError: A column is not there, or no row fits.
    """
    parts = _parts(table, columns, path)
    count = len(next(iter(table.values()), ()))
    kept: list[list[list[Any]]] = []
    reasons: list[str] = []
    for row in range(count):
        try:
            kept.append(
                [
                    [_value(column, table[name][row], name) for name in parts[column.name]]
                    for column in columns
                ]
            )
        except ValueError as error:
            reasons.append(f"row {row + 1}: {error}")
    if not kept:
        raise ExportError(
            f"none of its {count} rows fits{': ' + reasons[0] if reasons else ''}",
            where=path,
            remedy="Give rows as the network was trained on.",
        )
    arrays = [
        _array(column, [values[place] for values in kept]) for place, column in enumerate(columns)
    ]
    several = {name: names for name, names in parts.items() if names != (name,)}
    return TableRows(
        arrays=arrays, parts=several, left_out=len(reasons), reason=next(iter(reasons), "")
    )


def _csv(path: Path) -> Table:
    with path.open(newline="", encoding="utf-8-sig") as file:
        header, *rows = csv.reader(file)
        rows = [row for row in rows if row]
    uneven = next((n for n, row in enumerate(rows, 2) if len(row) != len(header)), None)
    if uneven is not None:
        raise ValueError(f"line {uneven} has another number of values than the header")
    if len(set(header)) != len(header):
        raise ValueError("two columns have one name")
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def _parquet(path: Path) -> Table:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise DependencyError(
            "reading Parquet needs pyarrow, which is not installed", remedy=f"Run `{_INSTALL}`."
        ) from error
    table = parquet.read_table(path)
    return {str(name): table.column(name).to_pylist() for name in table.column_names}


def _parts(table: Table, columns: Sequence[KerasColumn], path: Path) -> dict[str, tuple[str, ...]]:
    """Return which columns of the file each input takes: its own, or all others in their order."""
    found: dict[str, tuple[str, ...]]
    found = {one.name: (one.name,) for one in columns if one.name in table and one.size == 1}
    lacking = [one for one in columns if one.name not in found]
    free = [name for name in table if name not in found]
    if not lacking:
        return found
    if len(lacking) == 1 and lacking[0].size == len(free):
        return found | {lacking[0].name: tuple(free)}
    lack = lacking[0]
    wanted = f"column {lack.name!r}" if lack.size == 1 else f"{lack.size} values for {lack.name!r}"
    more = f" and {len(free) - _MOST_NAMED} more" if len(free) > _MOST_NAMED else ""
    raise ExportError(
        f"expected {wanted}, and {len(free)} columns of the file are free:"
        f" {', '.join(free[:_MOST_NAMED]) or 'none'}{more}",
        where=path,
        remedy="Name the file's columns as the network's inputs, and leave others out; an input of"
        " several values takes all columns that are left, in their order.",
    )


def _value(column: KerasColumn, given: Any, name: str) -> Any:
    """Return a value as the network takes it.

    Raises:
        ValueError: It is none; the text names the column.
    """
    if column.dtype == "string":
        if not isinstance(given, str):
            raise ValueError(f"column {name!r}: expected a text, got {given!r}")
        return given
    if given in (None, "") and column.masks:
        return column.masks[0]
    try:
        if column.kind is ColumnKind.NUMBER:
            number = float(given)
            if not np.isfinite(number):
                raise ValueError
            return number
        whole = int(given)
        if whole != float(given):
            raise ValueError
        return whole
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r}: expected a number, got {given!r}") from None


def _array(column: KerasColumn, rows: list[list[Any]]) -> Any:
    if column.dtype == "string":
        array = np.empty((len(rows), column.size), object)
        array[:] = rows
        return array
    return np.array(rows, column.dtype if column.kind is ColumnKind.NUMBER else np.int64)
