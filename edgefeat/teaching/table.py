"""A table of pictures: which one, and its class or its number. CSV with a header, no pandas."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

from edgefeat.errors import SourceError

__all__ = ["TableRow", "read_table"]

_PATHS = ("path", "file", "filename", "image", "photo", "picture")
_LABELS = ("label", "class", "category", "target")
_SEPARATORS = ",;\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One picture of a table.

    Attributes:
        path: Where the picture is.
        label: The class; empty where a number was asked for.
        value: The number; 0 where a class was asked for.
        fault: Why the row cannot be used; None if it can.
    """

    path: str
    label: str = ""
    value: float = 0.0
    fault: str | None = None


def read_table(
    place: Path, *, key: str | None, label: str | None, value: str | None
) -> tuple[list[TableRow], str]:
    """Read a table, and tell which columns were taken.

    Args:
        place: The CSV file. Paths in it start at its folder.
        key: The column of paths; None takes the one with a usual name, or the first of two.
        label: The column of classes; None takes the one with a usual name, or the second of two.
        value: The column of numbers, in the place of classes; None for classes.

    Raises:
        SourceError: No such file or column, no header, or no row.
    """
    try:
        text = place.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror}", where=place, remedy="Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise SourceError(
            f"expected UTF-8, got byte {error.object[error.start]:#04x} at {error.start}",
            where=place,
            remedy="Save the table as CSV in UTF-8.",
        ) from error
    header = text.split("\n", 1)[0]
    separator = max(_SEPARATORS, key=header.count)
    rows = list(csv.reader(text.splitlines(), delimiter=separator))
    names = [name.strip() for name in rows[0]] if rows else []
    rows = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    if len(names) < 2 or not rows:
        raise SourceError(
            "expected a header with a column of paths and one of classes or numbers, and rows",
            where=place,
            remedy="Begin the file with a line such as path,label.",
        )
    path_at = _position(place, names, key, "key", _PATHS, 0)
    if value is None:
        answer_at = _position(place, names, label, "label", _LABELS, 1)
    else:
        answer_at = _position(place, names, value, "value", (), None)
    folder = str(place.parent)
    found = [_row(row, path_at, answer_at, folder, number=value is not None) for row in rows]
    return (
        found,
        f"of {place}: pictures by column {names[path_at]!r}, {names[answer_at]!r} is learnt",
    )


def _position(
    place: Path,
    names: list[str],
    asked: str | None,
    option: str,
    usual: Iterable[str],
    otherwise: int | None,
) -> int:
    listed = ", ".join(map(repr, names))
    if asked is not None:
        if names.count(asked) == 1:
            return names.index(asked)
        near = get_close_matches(asked, names, n=1)
        raise SourceError(
            f"no column {asked!r}; there is {listed}",
            where=place,
            option=f"{option}={near[0]}" if near else option,
            remedy="Did you mean {option}?" if near else "Name one of them with {option}.",
        )
    for word in usual:
        there = [at for at, name in enumerate(names) if name.lower() == word]
        if len(there) == 1:
            return there[0]
    if otherwise is not None and len(names) == 2:
        return otherwise
    raise SourceError(
        f"which column is it? There is {listed}",
        where=place,
        option=option,
        remedy="Name one with {option}.",
    )


def _row(row: list[str], path_at: int, answer_at: int, folder: str, *, number: bool) -> TableRow:
    path = row[path_at].strip() if path_at < len(row) else ""
    answer = row[answer_at].strip() if answer_at < len(row) else ""
    if not path:
        return TableRow(path="", fault="no path in this row")
    where = os.path.join(folder, path)  # noqa: PTH118 - the path stays as it was written
    if not answer:
        return TableRow(path=where, fault="nothing to learn in this row: the cell is empty")
    if not number:
        return TableRow(path=where, label=answer)
    try:
        value = float(answer)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        return TableRow(path=where, fault=f"expected a number, got {answer!r}")
    return TableRow(path=where, value=value)
