"""Rows made by rule beside one vector of features: what is unknown, missing or awkward.

The user's rows hold what is common. These hold what a device may meet, and tell in which columns
the network takes a missing number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.columns.column import KerasColumn
from edgefeat_export.columns.reference import GraphRun, TableReference
from edgefeat_export.columns.ruled_rows import Arrays, awkward_rows, ordinary_rows
from edgefeat_export.errors import VerificationError

__all__ = ["beside_features", "check_ruled"]

_ORDINARY = 64
_FEATURE = np.float32(0.5)  # as large as those of photos


def check_ruled(
    run: GraphRun,
    reference: TableReference,
    columns: Sequence[KerasColumn],
    *,
    features: str,
    most: float,
) -> frozenset[str]:
    """Hold a graph to Keras on rows made by rule; return the columns that take NaN.

    Args:
        run: The graph.
        reference: What it was made from.
        columns: All inputs of the graph, features among them, after every layer was written.
        features: The input of features.
        most: How far a number may be off, relative to numbers above 1.

    Raises:
        VerificationError: The graph differs.
    """
    own = [column for column in columns if column.name != features]
    (name,) = (output.name for output in reference.headless.outputs)
    rows = beside_features(columns, ordinary_rows(own, _ORDINARY), features)
    (wanted,), (ours,) = reference.features(rows), run.features(rows, [name])
    unequal = ~_agree(wanted, ours, most)
    if unequal.any():
        raise _difference(f"row {int(unequal.argmax())} made by rule", columns)
    cases, awkward = awkward_rows(own)
    if not cases:
        return frozenset()
    rows = beside_features(columns, awkward, features)
    (wanted,), (ours,) = reference.features(rows), run.features(rows, [name])
    equal = _agree(wanted, ours, most)
    finite = [bool(np.isfinite(row).all()) for row in wanted]
    taking = set()
    for row, case in enumerate(cases):
        if case.missing and equal[row] and finite[row]:
            taking.add(case.column)
        # Numbers that overflow, and NaN: their maximum with 0 is NaN in Keras, and 0 elsewhere.
        if not equal[row] and not case.missing and (finite[row] or not case.number):
            raise _difference(f"{case.column}={case.value!r}", columns)
    return frozenset(taking)


def beside_features(columns: Sequence[KerasColumn], rows: Arrays, features: str) -> Arrays:
    """Return rows of the other columns with the same features beside each.

    Args:
        columns: All inputs.
        rows: One array a column, without that of features.
        features: The input of features.
    """
    given = iter(rows)
    count = len(rows[0]) if rows else 1
    return [
        np.full((count, column.size), _FEATURE) if column.name == features else next(given)
        for column in columns
    ]


def _agree(
    wanted: NDArray[np.float32], ours: NDArray[np.float32], most: float
) -> NDArray[np.bool_]:
    """Return for which rows numbers agree, NaN with NaN: bool `(N,)`."""
    near = np.isclose(ours, wanted, rtol=most, atol=most, equal_nan=True)
    return np.array([bool(np.all(row)) for row in np.atleast_2d(near)], np.bool_)


def _difference(what: str, columns: Sequence[KerasColumn]) -> VerificationError:
    return VerificationError(
        f"with {what} its answer differs from Keras's",
        where="the head",
        remedy="Report this: it is a fault of the exporter.",
        reasons=[{"gate": "ruled", "columns": [column.name for column in columns]}],
    )
