"""Rows made by rule: every known value in turn, what is unknown, edges of bins, awkward values.

They prove a file, and some of them travel in it as its self-test. Nobody's data is in them, but for
the words that the network itself holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.columns.column import ColumnKind, KerasColumn

__all__ = ["Arrays", "Awkward", "awkward_rows", "ordinary_rows"]

Arrays = list[NDArray[Any]]
"""One array a column, in order: (N, size), of float32, float64, int64, or strings as objects."""

_MOST_WORDS: Final = 400
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz" * 8
_UNKNOWN: Final = "\u00bfunknown\u00bf"
_PLAIN_NUMBERS: Final = (0.0, 1.0, -1.0, 0.5, 2.0, -0.25, 10.0, 3.0, -2.5, 100.0)
_PLAIN_INTEGERS: Final = (0, 1, 2, 3, 5, 10, 7, 100)
_LENGTHS: Final = (0, 1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 128, 200)
"""Bytes of texts to hash: one for each way that FarmHash goes."""
_DEVIATIONS: Final = (0.0, 1.0, -1.0, 0.5, -2.0, 3.0, -3.0, 0.25)
_STRINGS: Final = (
    *("", " ", "\x00", "a\x00", "\n", "\x85", "\u2028", "[UNK]", "None", "nan"),
    *(
        "Stra\u00dfe STRASSE",
        "\u0130stanbul I\u0131",
        "e\u0301 \u00e9 E\u0301",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f600",
    ),
    *(
        "a\tb\nc\vd\fe\rf",
        "a\x1cb\xa0c\u3000d\u2003e",
        "\u65e5\u672c \u8a9e",
        "\u201cquoted\u201d \u2014 dash\u2026",
        "!!! ... ?",
    ),
)
_INTEGERS: Final = (-1, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63))
_NUMBERS: Final = (-0.0, 1e-45, -1e-40, 1e30, -1e30)


@dataclass(frozen=True, slots=True)
class Awkward:
    """A row with one awkward value.

    Attributes:
        column: The column that has it.
        value: The value.
        number: Whether it is a floating-point number.
        missing: Whether it is NaN, which stands for a missing number.
    """

    column: str
    value: Any
    number: bool = False
    missing: bool = False


def ordinary_rows(columns: Sequence[KerasColumn], count: int) -> Arrays:
    """Return rows of values that the network knows, or was made for.

    Args:
        columns: The columns, after every layer was written.
        count: How many rows. Each value of a column comes once before any comes again.
    """
    return [_array(column, _turns(column, number, count)) for number, column in enumerate(columns)]


def awkward_rows(columns: Sequence[KerasColumn]) -> tuple[list[Awkward], Arrays]:
    """Return rows in which one column has an awkward value, and what is awkward in each."""
    cases = [case for column in columns for case in _awkward(column)]
    rows = ordinary_rows(columns, max(len(cases), 1))
    by_name = {column.name: array for column, array in zip(columns, rows, strict=True)}
    for row, case in enumerate(cases):
        by_name[case.column][row, 0] = case.value
    return cases, [array[: len(cases)] for array in rows]


def _turns(column: KerasColumn, number: int, count: int) -> Iterator[list[Any]]:
    """Yield the values of each row; columns take turns at different paces, so that they mix."""
    each = [_known(column, place) for place in range(column.size)]
    for row in range(count):
        yield [
            values[(row + (row // len(values)) * (number + 1) + place) % len(values)]
            for place, values in enumerate(each)
        ]


def _known(column: KerasColumn, place: int) -> list[Any]:
    """Return ordinary values of one place of a column."""
    if column.kind is ColumnKind.NUMBER:
        return _numbers(column, place)
    words = column.words[:_MOST_WORDS]
    if column.kind is ColumnKind.INTEGER:
        return _integers(column, [int(word) for word in words])
    if column.kind is ColumnKind.TEXT:
        return list(_texts([str(word) for word in words]))
    more: list[Any] = [] if column.refuses_unseen else [_UNKNOWN]
    if column.hashes:
        more += ["\u6771\u4eac", *(_ALPHABET[:length] for length in _LENGTHS)]
    return [*words[:6], *more, *column.masks[:1], *words[6:]]


def _numbers(column: KerasColumn, place: int) -> list[float]:
    found: list[float] = []
    for edge in column.edges[:64]:
        edge32 = np.float32(edge)
        found += [
            float(edge32),
            float(np.nextafter(edge32, np.float32(-np.inf))),
            float(np.nextafter(edge32, np.float32(np.inf))),
        ]
    centres = column.centres
    if centres:
        mean, deviation = centres[place % len(centres)]
        found += [mean + deviation * step for step in _DEVIATIONS]
    return found or list(_PLAIN_NUMBERS)


def _integers(column: KerasColumn, words: list[int]) -> list[int]:
    if not words:
        low, high = column.limits
        return [number for number in _PLAIN_INTEGERS if low <= number <= high]
    masks = [int(mask) for mask in column.masks[:1]]
    if column.bounded or column.refuses_unseen:
        return [*masks, *words]
    fresh = next(n for n in range(1, len(words) + 3) if n not in words and n not in masks)
    return [*words[:6], fresh, *masks, *words[6:]]


def _texts(words: list[str]) -> Iterator[str]:
    """Yield texts of some known words, one of them unknown, with marks and capitals."""
    some = words[:60] or [_UNKNOWN]
    for start in range(len(some)):
        picked = [some[(start * 3 + step) % len(some)] for step in range(1 + start % 7)]
        if start % 3 == 1:
            picked.insert(len(picked) // 2, _UNKNOWN)
        text = " ".join(picked)
        yield f"{text.capitalize()}, {some[start]}!" if start % 4 == 2 else text


def _awkward(column: KerasColumn) -> Iterator[Awkward]:
    if column.kind is ColumnKind.NUMBER:
        usable = _NUMBERS[:3] if column.hashes else _NUMBERS  # whole parts are hashed
        yield from (Awkward(column.name, value, number=True) for value in usable)
        if column.hashes:
            return
        yield Awkward(column.name, float("nan"), number=True, missing=True)
    elif column.kind is ColumnKind.INTEGER:
        if not (column.bounded or column.refuses_unseen):
            low, high = column.limits
            yield from (Awkward(column.name, n) for n in _INTEGERS if low <= n <= high)
    elif not column.refuses_unseen:
        yield from (Awkward(column.name, value) for value in _STRINGS)


def _array(column: KerasColumn, rows: Iterator[list[Any]]) -> NDArray[Any]:
    values = list(rows)
    if column.dtype == "string":
        array = np.empty((len(values), column.size), object)
        array[:] = values
        return array
    dtype = column.dtype if column.kind is ColumnKind.NUMBER else "int64"
    return np.array(values, dtype).reshape(len(values), column.size)
