"""The user's own rows of a network for columns: read, and those without features left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgefeat_export.columns import table_file, verify
from edgefeat_export.columns.column import KerasColumn
from edgefeat_export.columns.reference import TableReference
from edgefeat_export.columns.table_file import TableRows
from edgefeat_export.errors import ExportError
from edgefeat_export.pipeline.request import Say

__all__ = ["read_own"]


def read_own(
    path: Path, columns: Sequence[KerasColumn], reference: TableReference, say: Say
) -> TableRows:
    """Read the user's rows; those that do not fit, or for which Keras gives NaN, are told.

    Args:
        path: A CSV or Parquet file.
        columns: The network's columns.
        reference: Keras's features.
        say: Takes lines of progress.

    Raises:
        ExportError: It cannot be read, lacks a column, or no row of it has features.
    """
    found = table_file.rows_for(table_file.read_table(path), columns, path)
    for name, parts in found.parts.items():
        say(
            f"column {name!r} takes {len(parts)} columns of {path} in their order, from"
            f" {parts[0]!r} to {parts[-1]!r}"
        )
    if found.left_out:
        say(f"note: {found.left_out} rows of {path} are left out: {found.reason}")
    finite = verify.finite_rows(reference, found.arrays)
    if not finite.any():
        raise ExportError(
            "Keras itself gives NaN for every row of it", where=path, remedy="Check them."
        )
    if not finite.all():
        say(f"note: for {(~finite).sum()} rows Keras itself gives NaN: they are left out")
    return replace(found, arrays=[array[finite] for array in found.arrays])
