"""The rows of a self-test as a graph's inputs: made by rule at export, so nothing is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ModelError
from edgefeat.model.hashed_inputs import hashed_inputs

if TYPE_CHECKING:
    from edgefeat.model.columns import CategoryInput, IntegerInput, NumberInput, TextInput

    ColumnSpec = NumberInput | IntegerInput | CategoryInput | TextInput

__all__ = ["feed_of", "neutral"]

_TYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(string)": np.object_,
}


def feed_of(
    columns: Sequence[ColumnSpec], rows: Sequence[Mapping[str, Any]]
) -> dict[str, NDArray[Any]]:
    """Return the inputs of some rows by name: float32, float64, int64 or object `(N, size)`.

    Args:
        columns: What the graph takes.
        rows: Values by the input's name; None is a missing one, an input of several values has a
            list.

    Raises:
        ModelError: A row lacks a column, or has another number of values.
    """
    feed: dict[str, NDArray[Any]] = {}
    for column in columns:
        filling = getattr(column, "missing_token", np.nan)
        values = []
        for number, row in enumerate(rows):
            given = row.get(column.name, ())
            several = given if isinstance(given, list | tuple) else [given]
            if len(several) != column.size:
                raise ModelError(
                    f"expected {column.size} values of column {column.name!r}, got {len(several)}",
                    where=f"probe.rows[{number}]",
                    remedy="Export the model again.",
                )
            values.append([filling if value is None else value for value in several])
        array = np.empty((len(rows), column.size), _TYPES[column.tensor_type])
        array[:] = values
        feed |= {column.name: array, **hashed_inputs(column.hashes, array)}
    return feed


def neutral(column: ColumnSpec, count: int) -> dict[str, NDArray[Any]]:
    """Return values of no meaning, for outputs that do not depend on them.

    Returns:
        The column's inputs by name: float32, float64, int64 or object `(count, size)`.
    """
    kind = _TYPES[column.tensor_type]
    filling: Any = "" if kind is np.object_ else 0
    hashed = [one.name for one in column.hashes or ()]
    shape = count, column.size
    return {column.name: np.full(shape, filling, kind)} | {
        name: np.zeros(shape, np.int64) for name in hashed
    }
