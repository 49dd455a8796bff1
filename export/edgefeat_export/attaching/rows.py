"""Rows on which scikit-learn and the file are compared: a table for one, tensors for the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import DependencyError
from edgefeat_export.attaching.answering import FittedHead
from edgefeat_export.attaching.taking_apart import TakenColumn
from edgefeat_export.errors import ExportError

__all__ = ["as_frame", "span_of", "tensor_of"]


def as_frame(
    rows: Any, *, head: FittedHead, photo: str | None, root: str | os.PathLike[str] | None
) -> tuple[Any, str]:
    """Return rows as a pandas frame with paths that lead to photos, and the column of these.

    Args:
        rows: A frame, a list of mappings, or the path of a CSV or Parquet file.
        head: What the rows are for.
        photo: The column of photos, where the head does not name one; None takes the first that
            is no column of the head.
        root: The folder at which paths start; None takes that of the file, or the working folder.

    Raises:
        DependencyError: pandas is missing.
        ExportError: There are no rows, or no column of photos.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise DependencyError(
            "pandas is missing, in whose frames scikit-learn knows columns by name",
            remedy="Install it: pip install pandas",
        ) from error
    where = None
    if isinstance(rows, str | os.PathLike):
        where = Path(rows)
        root = where.parent if root is None else root
        try:
            frame = _read(where, head.texts)
        except (OSError, ValueError) as error:
            raise ExportError(f"cannot be read: {error}", where=where, option="rows") from error
    else:
        frame = pd.DataFrame(rows).reset_index(drop=True)
        frame.columns = [str(name) for name in frame.columns]
    if not len(frame):
        raise ExportError("no rows to compare on", where=where, option="rows")
    photo = _column_of_photos(frame, head, photo, where)
    if root is not None:
        frame[photo] = [str(Path(root) / str(path)) for path in frame[photo]]
    return frame, photo


def _read(path: Path, texts: Sequence[str]) -> Any:
    import pandas as pd

    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    frame = pd.read_csv(path)
    words = [name for name in texts if name in frame]
    if words:  # as they stand: "NA" is a word, and "007" no number
        frame[words] = pd.read_csv(path, usecols=words, dtype=str, keep_default_na=False)[words]
    return frame


def _column_of_photos(frame: Any, head: FittedHead, photo: str | None, where: Path | None) -> str:
    there = ", ".join(map(repr, frame.columns))
    photo = photo if head.photo is None else head.photo
    if photo is None:
        free = [str(name) for name in frame.columns if name not in head.columns]
        if not free:
            raise ExportError(f"no column of photos; there is {there}", where=where, option="rows")
        return free[0]
    if photo not in frame:
        raise ExportError(f"no column {photo!r}; there is {there}", where=where, option="rows")
    return photo


def tensor_of(frame: Any, column: TakenColumn) -> NDArray[Any]:
    """Return a column as the graph takes it: float64 or objects, `(N, 1)`.

    Raises:
        ExportError: It is missing, or a value is none that the column takes.
    """
    if column.name not in frame:
        raise ExportError(
            f"no column {column.name!r}; there is {', '.join(map(repr, frame.columns))}",
            option="rows",
        )
    values = list(frame[column.name])
    if column.words is None:
        return _numbers(column, values)
    token = column.words.missing
    found = np.empty((len(values), 1), dtype=object)
    for row, value in enumerate(values):
        missing = _is_missing(value)
        if missing and token is None:
            raise ExportError(
                f"column {column.name!r}: missing, and the pipeline has no rule for that",
                where=f"row {row}",
                remedy="Put a SimpleImputer before its encoder, or leave such rows out.",
            )
        if not missing and not isinstance(value, str):
            raise ExportError(
                f"column {column.name!r}: expected a word, got {value!r}", where=f"row {row}"
            )
        found[row, 0] = token if missing else str(value)
    return found


def span_of(tensor: NDArray[Any]) -> tuple[float, float] | None:
    """Return the smallest and largest number of a column, float64 or words `(N, 1)`.

    None stands for words, or for a column without a number.
    """
    if tensor.dtype != np.float64 or np.isnan(tensor).all():
        return None
    return float(np.nanmin(tensor)), float(np.nanmax(tensor))


def _numbers(column: TakenColumn, values: list[Any]) -> NDArray[np.float64]:
    found = np.empty((len(values), 1))
    for row, value in enumerate(values):
        if _is_missing(value):
            found[row, 0] = np.nan
            continue
        try:
            found[row, 0] = float(value)
        except (TypeError, ValueError) as error:
            raise ExportError(
                f"column {column.name!r}: expected a number, got {value!r}", where=f"row {row}"
            ) from error
    if not column.nan and np.isnan(found).any():
        raise ExportError(
            f"column {column.name!r}: missing, and neither a step nor the estimator takes that",
            where=f"row {int(np.isnan(found).argmax())}",
            remedy="Put a SimpleImputer into the pipeline, or leave such rows out.",
        )
    return found


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, float) and np.isnan(value))
        or type(value).__name__ in ("NAType", "NaTType")
    )
