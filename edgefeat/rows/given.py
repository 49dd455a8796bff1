"""What a user gives as rows: a row as a mapping, several of them, or a table of columns.

Frames of pandas and Polars and tables of Arrow are known by what they can do, and never imported.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from edgefeat.errors import RowError
from edgefeat.rows.values import shown

if TYPE_CHECKING:
    from edgefeat.rows.columns import Column

__all__ = [
    "Row",
    "RowTable",
    "Rows",
    "as_row",
    "as_table",
    "check_columns",
    "check_names",
    "iter_rows",
    "order_told",
    "taken_in_order",
]

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Iterable[Row] | Mapping[str, Sequence[Any]] | Any
"""Rows one by one; or columns, in a mapping, a frame, a table of Arrow or a structured array."""
_SEVERAL = "a list of mappings, a mapping of columns, a frame, or a structured array"


class RowTable:
    """Columns of equal length by name.

    Args:
        columns: The columns; each a sequence or an array.
        count: How many rows there are.
        loose: Whether columns that the model does not know are left out, with a notice, instead
            of refused.
    """

    def __init__(self, columns: Mapping[str, Any], count: int, *, loose: bool) -> None:
        self.columns, self.count, self.loose = columns, count, loose

    def __len__(self) -> int:
        return self.count

    def part(self, start: int, stop: int) -> RowTable:
        """Return some of the rows."""
        cut = {name: values[start:stop] for name, values in self.columns.items()}
        return RowTable(cut, max(0, min(stop, self.count) - start), loose=self.loose)


def as_row(given: Any, columns: Sequence[Column]) -> Row:
    """Return a row as a mapping.

    Args:
        given: A mapping, a record of a structured array, a named tuple, or what has keys as a
            pandas series has; for a model of one column its values alone.
        columns: The model's columns.

    Raises:
        RowError: It is nothing of these.
    """
    if isinstance(given, Mapping):
        return given
    if isinstance(given, np.ndarray) and given.ndim == 0:
        given = given[()]
    if isinstance(given, np.void) and given.dtype.names:
        return {name: given[name] for name in given.dtype.names}
    if isinstance(given, tuple) and hasattr(given, "_asdict"):  # as frames give their rows
        fields: dict[str, Any] = given._asdict()
        return {name: value for name, value in fields.items() if name != "Index"}
    if hasattr(given, "keys") and hasattr(given, "__getitem__"):
        return {name: given[name] for name in given.keys()}  # noqa: SIM118 - no mapping
    if len(columns) == 1 and columns[0].size > 1 and isinstance(given, list | tuple | np.ndarray):
        return {columns[0].name: given}
    raise RowError(
        f"expected a mapping of columns to values, got {shown(given)}",
        value=given,
        expected="a mapping",
        remedy=f"This model's columns are {_listed(columns)}.",
    )


def as_table(given: Any, columns: Sequence[Column]) -> RowTable | None:
    """Return several rows as a table; None if they come one by one.

    Args:
        given: A frame, a mapping of columns, a structured array; for a model of one column an
            array `(N, size)`.
        columns: The model's columns.

    Raises:
        RowError: Its columns have different lengths, or it is no table but a single row.
    """
    if isinstance(given, str | bytes | bytearray):
        raise RowError(
            f"expected several rows, got {shown(given)}",
            value=given,
            expected=_SEVERAL,
            remedy=f"Give {_SEVERAL}.",
        )
    if isinstance(given, np.ndarray):
        return _of_array(given, columns)
    if isinstance(given, Mapping):
        return _of_mapping(given)
    if hasattr(given, "collect") and not hasattr(given, "__len__"):
        raise RowError(
            "expected rows, got a lazy frame", expected=_SEVERAL, remedy="Call its collect() first."
        )
    if hasattr(given, "column_names") and hasattr(given, "column"):  # Arrow
        names = _different(list(given.column_names))
        found = {name: given.column(name).to_pylist() for name in names if _asked(name, columns)}
        return _of_frame(found, names, int(given.num_rows))
    if hasattr(given, "columns") and hasattr(given, "__len__"):
        names = _different(list(given.columns))
        if (only := taken_in_order(names, columns)) is not None:
            return _in_order(given, names, only)
        found = {name: _values(given[name]) for name in names if _asked(name, columns)}
        return _of_frame(found, names, len(given))
    return None


def check_names(names: Iterable[Any], columns: Sequence[Column], *, loose: bool) -> list[str]:
    """Hold the names that a row or a table gives against the model's.

    Args:
        names: The names.
        columns: The model's columns.
        loose: Whether unknown ones are returned instead of refused.

    Returns:
        Names that the model does not know.

    Raises:
        RowError: A column is missing, unknown, or given twice.
    """
    there = list(names)
    known = {name for column in columns for name in (column.name, *column.names)}
    unknown = [name for name in there if name not in known]
    given = set(there)
    for column in columns:
        parts = [name for name in column.names if name not in given]
        by_parts = len(parts) < len(column.names) and column.names != (column.name,)
        if column.name in given and by_parts:
            raise RowError(
                f"expected either the column or its parts, got {column.names[0]!r} too",
                column=column.name,
            )
        if column.name not in given and parts and not (unknown and not loose):
            raise _missing(parts[0], there, columns)
    if unknown and not loose:
        raise _unknown(unknown[0], columns)
    return [str(name) for name in unknown]


def check_columns(table: RowTable, columns: Sequence[Column]) -> list[str]:
    """Hold a table's columns against the model's; see `check_names`."""
    return check_names(table.columns, columns, loose=table.loose)


def _of_array(given: Any, columns: Sequence[Column]) -> RowTable | None:
    if given.dtype.names:
        flat = given.reshape(-1)
        columns_of = {name: _values(flat[name]) for name in given.dtype.names}
        return RowTable(columns_of, len(flat), loose=True)
    if len(columns) == 1 and given.dtype != np.object_:
        return RowTable({columns[0].name: given}, len(given) if given.ndim else 0, loose=False)
    return None


def _of_mapping(given: Mapping[Any, Any]) -> RowTable:
    lengths = {}
    for name, values in given.items():
        single = isinstance(values, str | bytes | bytearray | Mapping)
        if single or not hasattr(values, "__len__") or not hasattr(values, "__getitem__"):
            raise RowError(
                f"expected a list of values, one a row, got {shown(values)}",
                column=str(name),
                value=values,
                expected="a list of values",
                remedy="For a single row call extract; for several give a list of mappings.",
            )
        lengths[name] = len(values)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise RowError(
            f"expected columns of one length, got {told}", expected="columns of one length"
        )
    count = next(iter(lengths.values()), 0)
    return RowTable({name: _values(values) for name, values in given.items()}, count, loose=False)


def taken_in_order(names: Sequence[Any], columns: Sequence[Column]) -> Column | None:
    """Return the model's only column if a table's columns are its values, in their order.

    So is a table with as many columns as the one input has values, where these have no names.

    Args:
        names: The table's columns, without that of keys.
        columns: The model's columns.
    """
    if len(columns) != 1:
        return None
    (only,) = columns
    nameless = only.size > 1 and only.names == (only.name,)
    return only if nameless and len(names) == only.size and only.name not in names else None


def order_told(names: Sequence[Any], column: Column) -> str:
    """Return what is said of a table whose columns are taken in their order."""
    return (
        f"the table's {column.size} columns are taken in their order as {column.name!r}, whose "
        f"values have no names: {names[0]} to {names[-1]}"
    )


def _in_order(frame: Any, names: list[Any], column: Column) -> RowTable:
    from edgefeat.messages.warn import warn_caller

    warn_caller(order_told(names, column), UserWarning)
    rows = list(zip(*(_values(frame[name]) for name in names), strict=True))
    return RowTable({column.name: rows}, len(rows), loose=False)


def _of_frame(found: dict[str, Any], names: list[str], count: int) -> RowTable:
    return RowTable({name: found.get(name, ()) for name in names}, count, loose=True)


def _asked(name: Any, columns: Sequence[Column]) -> bool:
    """Return whether the model has a column of this name: others are not read."""
    return any(name in (column.name, *column.names) for column in columns)


def _different(names: list[Any]) -> list[Any]:
    repeated = sorted({str(name) for name in names if names.count(name) > 1})
    if repeated:
        raise RowError(f"expected different columns, got {repeated[0]!r} more than once")
    return names


def _values(series: Any) -> Any:
    """Return a column's values: an array of numbers where nothing is missing, else a list."""
    if isinstance(series, np.ma.MaskedArray):
        return list(series)  # each value, or what says that it is masked
    if isinstance(series, list | tuple | np.ndarray):
        return series
    dtype = getattr(series, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "fiu" and hasattr(series, "to_numpy"):
        return series.to_numpy()
    for name in ("to_list", "tolist", "to_pylist"):
        if hasattr(series, name):
            return getattr(series, name)()
    return list(series)


def _missing(name: str, there: list[Any], columns: Sequence[Column]) -> RowError:
    near = difflib.get_close_matches(name, [str(one) for one in there], n=1)
    near = near or [str(one) for one in there if str(one).casefold() == name.casefold()]
    hint = f"Is it {near[0]!r}? " if near else ""
    return RowError(
        "expected it, and it is not there",
        column=name,
        expected=f"column {name!r}",
        remedy=f"{hint}This model's columns are {_listed(columns)}.",
    )


def _unknown(name: Any, columns: Sequence[Column]) -> RowError:
    known = [one for column in columns for one in column.names]
    text = str(name)
    near = difflib.get_close_matches(text, known, n=1)
    near = near or [one for one in known if one.casefold() == text.casefold()]
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return RowError(
        f"not one of this model's columns, which are {_listed(columns)}",
        column=text,
        expected=f"one of {_listed(columns)}",
        remedy=hint.strip() or "Leave it out.",
    )


def _listed(columns: Sequence[Column]) -> str:
    names = [name for column in columns for name in column.names]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more


def iter_rows(given: Any) -> Iterator[Any]:
    """Return rows that come one by one.

    Raises:
        RowError: It is nothing that has rows.
    """
    try:
        return iter(given)
    except TypeError as error:
        raise RowError(
            f"expected several rows, got {shown(given)}",
            value=given,
            expected=_SEVERAL,
            remedy=f"Give {_SEVERAL}.",
        ) from error
