"""The self-test of a file for columns: a few rows made by rule, and Keras's features for them."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from edgefeat.measures import agreement
from edgefeat.model.columns import ColumnInput, MissingNumber, MissingToken
from edgefeat.model.spec import Probe
from edgefeat_export.columns.column import ColumnKind, KerasColumn
from edgefeat_export.columns.reference import GraphRun, TableReference
from edgefeat_export.columns.ruled_rows import Arrays, ordinary_rows
from edgefeat_export.columns.verify import finite_rows

__all__ = ["GENERATOR", "make_probe", "row_of"]

GENERATOR: Final = "rows"
_ROWS, _CHOICE = 16, 64
_NONE: Final[Mapping[tuple[int, str], None]] = MappingProxyType({})
_SLACK, _FLOOR = 2.0, 1e-5  # other CPUs add in another order


def make_probe(
    run: GraphRun,
    reference: TableReference,
    columns: Sequence[KerasColumn],
    described: Sequence[ColumnInput],
) -> Probe:
    """Return the self-test of a graph.

    Args:
        run: The graph.
        reference: Keras's features.
        columns: The graph's columns.
        described: What the file says of them. Where a missing value has a rule, it comes once.
    """
    guessed = ordinary_rows(columns, _CHOICE)
    usable = np.flatnonzero(finite_rows(reference, guessed))[:_ROWS]
    rows = [array[usable] for array in guessed]
    plain = [array.copy() for array in rows]
    missing = _with_missing(columns, described, rows)
    spoilt = np.flatnonzero(~finite_rows(reference, rows))  # every token of a row under its mask
    for array, before in zip(rows, plain, strict=True):
        array[spoilt] = before[spoilt]
    missing = {place: None for place in missing if place[0] not in spoilt}
    wanted = reference.features(rows)[0]
    primary = reference.headless.outputs[0].name
    (ours,) = run.features(rows, [primary])
    measured = float(agreement.relative_l2(wanted, ours).max())
    return Probe(
        generator=GENERATOR,
        rows=tuple(row_of(columns, rows, number, missing) for number in range(len(usable))),
        expected=base64.b64encode(wanted.astype("<f4").tobytes()).decode(),
        expected_dtype="float32",
        relative_l2_max=float(f"{_SLACK * measured + _FLOOR:.2e}"),
    )


def _with_missing(
    columns: Sequence[KerasColumn], described: Sequence[ColumnInput], rows: Arrays
) -> dict[tuple[int, str], None]:
    """Put what stands for a missing value into one row of each column that has a rule for it."""
    places: dict[tuple[int, str], None] = {}
    for number, (column, one, array) in enumerate(zip(columns, described, rows, strict=True)):
        rule, row = getattr(one, "missing", None), (3 + 5 * number) % len(array)
        if rule is MissingNumber.NAN:
            array[row] = np.nan
        elif rule is MissingToken.TOKEN:
            array[row] = one.missing_token  # type: ignore[attr-defined]
        else:
            continue
        places[row, column.name] = None
    return places


def row_of(
    columns: Sequence[KerasColumn],
    rows: Arrays,
    number: int,
    missing: Mapping[tuple[int, str], None] = _NONE,
) -> dict[str, Any]:
    """Return a row as JSON has it; numbers of float32 keep their value as a short decimal.

    Args:
        columns: The columns.
        rows: One array a column.
        number: Position of the row.
        missing: Places, by row and column, whose value is missing.
    """
    found: dict[str, Any] = {}
    for column, array in zip(columns, rows, strict=True):
        if (number, column.name) in missing:
            values: list[Any] = [None] * column.size
        elif column.kind is ColumnKind.NUMBER and array.dtype == np.float32:
            values = [json.loads(str(value)) for value in array[number]]
        else:
            values = array[number].tolist()
        found[column.name] = values[0] if column.size == 1 else values
    return found
