"""Rows of a CSV or Parquet file, one by one, each value as its column's kind takes it.

CSV knows only text: a number is read from text there, and nowhere else. An empty cell is a missing
number; in a column of words it is the empty word.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from edgefeat.errors import DependencyError, RowError, SourceError
from edgefeat.record import Record
from edgefeat.rows.given import check_names, order_told, taken_in_order

if TYPE_CHECKING:
    from edgefeat.rows.columns import Column

__all__ = ["TABLE_ENDINGS", "FileRow", "TableFile", "from_text", "is_table"]

TABLE_ENDINGS = (".csv", ".tsv", ".parquet")
_SEPARATORS = ",;\t"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_LONGEST_CELL = 1 << 24


def is_table(path: str | os.PathLike[str]) -> bool:
    """Return whether a name is that of a table, by its ending."""
    return os.fspath(path).lower().endswith(TABLE_ENDINGS)


class FileRow(Record):
    """One row of a file.

    Args:
        number: Position among the rows, from 0.
        values: What the model's columns have, by name.
        key: What the row is called, by the column of keys; None without one.
        fault: Why the row cannot be used; None if it can.
    """

    number: int
    values: dict[str, Any]
    key: str | None = None
    fault: RowError | None = None


class TableFile:
    """A table in a file, opened: its columns are known, its rows come as they are asked for.

    Args:
        path: The file: CSV with a header in UTF-8, or Parquet.
        columns: The model's columns.
        key: The column that names rows; None for none.

    Attributes:
        ignored: Columns that neither the model nor the key takes.
        notes: What was guessed about the file, as sentences.

    Raises:
        SourceError: The file cannot be read, has no header, or lacks a column.
        DependencyError: Parquet needs pyarrow.
    """

    def __init__(
        self, path: str | os.PathLike[str], columns: Sequence[Column], *, key: str | None = None
    ) -> None:
        self.path, self._key = os.fspath(path), key
        self._columns = {name: one for one in columns for name in (one.name, *one.names)}
        self.notes: list[str] = []
        is_parquet = self.path.lower().endswith(".parquet")
        names = self._parquet_names() if is_parquet else self._csv_names()
        self._rows: Callable[[], Iterator[FileRow]] = (
            self._parquet_rows if is_parquet else self._csv_rows
        )
        self._names = names
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise SourceError(
                f"expected different columns, got {repeated[0]!r} more than once", where=self.path
            )
        if key is not None and key not in names:
            raise SourceError(
                f"no column {key!r}; there is {_listed(names)}",
                where=self.path,
                option="key",
                remedy="Name one of them with {option}.",
            )
        others = [name for name in names if name != key]
        self._in_order = taken_in_order(others, columns)
        if self._in_order is not None:
            self.notes.append(f"{self.path}: {order_told(others, self._in_order)}.")
            self._columns = dict.fromkeys(others, self._in_order)
            self.ignored: list[str] = []
            return
        self.ignored = [name for name in others if name not in self._columns]
        self._check(columns)

    def __iter__(self) -> Iterator[FileRow]:
        return self._rows()

    def _check(self, columns: Sequence[Column]) -> None:
        try:
            check_names([n for n in self._names if n in self._columns], columns, loose=True)
        except RowError as error:
            raise SourceError(
                f"{error.where}: {error.problem}; there is {_listed(self._names)}",
                where=self.path,
                remedy=error.remedy,
            ) from error

    def _csv_names(self) -> list[str]:
        with self._opened() as file:
            try:
                header = file.readline()
            except UnicodeDecodeError as error:
                raise self._not_utf8(error) from error
        if not header.strip():
            raise SourceError(
                "expected a header with the names of columns, got an empty file or line",
                where=self.path,
            )
        self._separator = max(_SEPARATORS, key=header.count)
        if self._separator != ",":
            name = "tabs" if self._separator == "\t" else repr(self._separator)
            self.notes.append(f"{self.path}: columns are separated by {name}.")
        return next(csv.reader([header], delimiter=self._separator))

    def _csv_rows(self) -> Iterator[FileRow]:
        csv.field_size_limit(_LONGEST_CELL)
        number = 0
        with self._opened() as file:
            rows = csv.reader(file, delimiter=self._separator)
            try:
                next(rows)
                for cells in rows:
                    if cells:
                        yield self._csv_row(number, cells, rows.line_num)
                        number += 1
            except UnicodeDecodeError as error:
                raise self._not_utf8(error) from error
            except csv.Error as error:
                raise SourceError(
                    f"not CSV at line {rows.line_num}: {error}",
                    where=self.path,
                    remedy="Save the table again.",
                ) from error

    def _csv_row(self, number: int, cells: list[str], line: int) -> FileRow:
        cell = dict(zip(self._names, cells, strict=False))
        if len(cells) != len(self._names):
            fault = RowError(
                f"expected {len(self._names)} cells, as in the header, got {len(cells)} (line "
                f"{line})",
                expected=f"{len(self._names)} cells",
            )
            return FileRow(number=number, values={}, key=cell.get(self._key or ""), fault=fault)
        values = {
            name: from_text(self._columns[name], text)
            for name, text in cell.items()
            if name in self._columns
        }
        key = cell.get(self._key or "")
        return FileRow(number=number, values=self._ordered(values), key=key)

    def _ordered(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values by the names that the model has for them."""
        if self._in_order is None:
            return values
        return {self._in_order.name: list(values.values())}

    def _opened(self) -> Any:
        try:
            return open(self.path, encoding="utf-8-sig", newline="")  # noqa: PTH123
        except OSError as error:
            raise SourceError(
                f"cannot be read: {error.strerror}", where=self.path, remedy="Check the path."
            ) from error

    def _not_utf8(self, error: UnicodeDecodeError) -> SourceError:
        return SourceError(
            f"expected UTF-8, got byte {error.object[error.start]:#04x}",
            where=self.path,
            remedy="Save the table as CSV in UTF-8.",
        )

    def _parquet_names(self) -> list[str]:
        try:
            from pyarrow import ArrowException, parquet
        except ImportError as error:
            raise DependencyError(
                "reading .parquet needs pyarrow",
                remedy="Install it with `pip install 'edgefeat[parquet]'`.",
            ) from error
        try:
            self._parquet = parquet.ParquetFile(self.path)
        except OSError as error:
            why = error.strerror or str(error)
            raise SourceError(
                f"cannot be read: {why}", where=self.path, remedy="Check the path."
            ) from error
        except ArrowException as error:
            raise SourceError(f"no Parquet file: {error}", where=self.path) from error
        return list(self._parquet.schema_arrow.names)

    def _parquet_rows(self) -> Iterator[FileRow]:
        wanted = [name for name in self._names if name in self._columns or name == self._key]
        number = 0
        for batch in self._parquet.iter_batches(batch_size=1024, columns=wanted):
            for row in batch.to_pylist():
                key = None if self._key is None else row[self._key]
                yield FileRow(
                    number=number,
                    values=self._ordered(
                        {n: value for n, value in row.items() if n in self._columns}
                    ),
                    key=None if key is None else str(key),
                )
                number += 1


def from_text(column: Column, text: str) -> Any:
    """Return a cell's value: a number where the column has numbers and the text is one."""
    if column.described.KIND not in ("number", "integer"):
        return text
    text = text.strip()
    if not text:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(map(repr, names[:12])) + more
