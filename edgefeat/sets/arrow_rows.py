"""Vectors as Arrow columns, null where a picture gave none: for Parquet parts, Ray and Spark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgefeat.arrays import Features
from edgefeat.sets.encoding import Stored, encode
from edgefeat.sets.info import SetInfo
from edgefeat.sets.parquet import column_names, pyarrow_for

__all__ = ["feature_columns", "feature_fields"]


def feature_columns(info: SetInfo, features: Sequence[Features | None]) -> dict[str, Any]:
    """Return the columns of some rows' vectors by name, in order.

    Lists are of no fixed size, because Spark reads no other.

    Args:
        info: What the rows have in common.
        features: Each row's float32 `(D,)` or map, or None.

    Raises:
        SinkError: A vector cannot be kept in the form that is asked for.
    """
    arrow, _ = pyarrow_for()
    there = np.array([one is not None for one in features], bool)
    whole = [one.reshape(-1) for one in features if one is not None]
    stacked = np.array(whole, np.float32).reshape(-1, info.dim)
    columns = {}
    for output, rows in zip(info.outputs, info.split(stacked), strict=True):
        numbers, scale = column_names(output.name, info)
        stored = encode(np.ascontiguousarray(rows), info.store)
        columns[numbers] = _lists(arrow, stored, there, output.size)
        if info.store.has_scales:
            columns[scale] = _scales(arrow, stored, there)
    return columns


def feature_fields(info: SetInfo) -> list[Any]:
    """Return the Arrow fields of those columns."""
    arrow, _ = pyarrow_for()
    fields = []
    for output in info.outputs:
        numbers, scale = column_names(output.name, info)
        fields.append(arrow.field(numbers, arrow.list_(arrow.from_numpy_dtype(info.store.dtype))))
        if info.store.has_scales:
            fields.append(arrow.field(scale, arrow.float32()))
    return fields


def _lists(arrow: Any, stored: Stored, there: Any, size: int) -> Any:
    ends = np.concatenate([[0], np.cumsum(there)]) * size
    flat = arrow.array(stored.numbers.reshape(-1))
    offsets = arrow.array(ends.astype(np.int32))
    return arrow.ListArray.from_arrays(offsets, flat, mask=arrow.array(~there))


def _scales(arrow: Any, stored: Stored, there: Any) -> Any:
    scales = np.zeros(len(there), np.float32)
    scales[there] = stored.scales
    return arrow.array(scales, mask=~there)
