"""The rows that a benchmark runs on where models take columns and no picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from edgefeat.errors import OptionError
from edgefeat.model.spec import ModelSpec
from edgefeat.record import Record

__all__ = ["RowItems", "load_rows", "sample_rows"]

_MOST_ROWS = 1024


class RowItems(Record):
    """What a benchmark of a model for columns runs on.

    Attributes:
        source: What to call the rows in the report.
        items: Rows by the names of columns; at least one.
    """

    source: str
    items: tuple[Mapping[str, Any], ...]

    def __post_init__(self) -> None:
        if not self.items:
            raise OptionError("expected at least one row, got none", option="items")


def load_rows(sources: Sequence[str], spec: ModelSpec) -> RowItems:
    """Read the first 1024 rows of a table.

    Args:
        sources: One CSV or Parquet file.
        spec: What the model says of its columns.

    Raises:
        OptionError: They are no table, or several.
        RowError: A row does not fit.
        SourceError: It cannot be read, or lacks a column.
    """
    from edgefeat.rows.files import TableFile, is_table
    from edgefeat.rows.reader import RowReader

    if len(sources) != 1 or not is_table(sources[0]):
        raise OptionError(
            f"expected one table, for the model takes columns, got {', '.join(sources)}",
            option="sources",
            remedy="Name a .csv or .parquet file, or none for rows made by rule.",
        )
    found = []
    for row in islice(TableFile(sources[0], RowReader(spec.columns).columns), _MOST_ROWS):
        if row.fault is not None:
            raise row.fault.at(row.number)
        found.append(row.values)
    thinned = f" (the first {_MOST_ROWS})" if len(found) == _MOST_ROWS else ""
    return RowItems(source=f"{sources[0]}{thinned}", items=tuple(found))


def sample_rows(spec: ModelSpec) -> RowItems:
    """Return the rows of a model's own self-test, which were made by rule.

    Args:
        spec: What the model says of itself.

    Raises:
        OptionError: It has no such rows.
    """
    rows = None if spec.probe is None else spec.probe.rows
    if not rows:
        raise OptionError(
            f"the model {spec.name} carries no rows of its own",
            option="sources",
            remedy="Name a table.",
        )
    return RowItems(source="rows made by rule", items=rows)
