"""One column: its values become an array as the graph takes it; those that cannot are named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import RowError
from edgefeat.model.columns import (
    CategoryInput,
    IntegerInput,
    MissingNumber,
    MissingToken,
    NumberInput,
    NumberType,
    TextInput,
)
from edgefeat.model.hashed_inputs import hashed_inputs
from edgefeat.rows.values import (
    EXACT,
    LARGEST_HASHED,
    is_missing,
    number_of,
    shown,
    text_of,
    unwrapped,
    whole_number_of,
)

__all__ = ["Column"]

Array = NDArray[Any]
Errors = dict[int, RowError]
Described = NumberInput | IntegerInput | CategoryInput | TextInput


class Column:
    """What a graph takes for one column, and how values become that.

    Args:
        described: What the model says of the column.
        max_text: Characters that a text may have; None for as many as the model says.
    """

    def __init__(self, described: Described, *, max_text: int | None = None) -> None:
        self.described = described
        self.name, self.size = described.name, described.size
        self._names = described.names
        self._convert, self._dtype, self._filling = _how(described, max_text)
        self._largest = _largest(described) if isinstance(described, NumberInput) else 0.0
        self.is_text = isinstance(described, TextInput)
        self._plain = _PLAIN[described.KIND]

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which a row gives its values: each one's own, or the input's for all."""
        return self._names

    def inputs(self, array: Array) -> dict[str, Array]:
        """Return what the graph takes of the column, by name: its values, and hashes of them.

        Args:
            array: What `array` gave: float32, float64, int64 or object `(N, size)`.
        """
        return {self.name: array, **hashed_inputs(self.described.hashes, array)}

    def neutral(self, count: int) -> Array:
        """Return values of no meaning: float32, float64, int64 or object `(count, size)`."""
        value = "" if self._dtype == np.object_ else 0
        return np.full((count, self.size), value, self._dtype)

    def array(self, values: Sequence[Any] | Array) -> tuple[Array, Errors]:
        """Return the column of some rows, and an error for each row that does not fit.

        Args:
            values: One value a row, or a sequence of `size` values a row.

        Returns:
            float32, float64, int64 or object `(N, size)`, with a neutral value where a row does not
            fit, and the errors by position.
        """
        if isinstance(values, np.ndarray) and (whole := self._whole(values)) is not None:
            return whole, {}
        array, errors = self.neutral(len(values)), {}
        plain, convert, single = self._plain, self._convert, self.size == 1
        for row, given in enumerate(values):
            try:
                if single and type(given) in plain and given == given:  # most values; NaN differs
                    array[row, 0] = convert(given)
                else:
                    array[row] = self._one(given)
            except RowError as error:
                errors[row] = error if error.column is not None else _named(error, self._names[0])
        return array, errors

    def _whole(self, values: Array) -> Array | None:
        """Return an array of numbers as the graph takes it, if none needs a second look."""
        if values.shape not in _shapes(len(values), self.size):
            return None
        if isinstance(self.described, NumberInput) and values.dtype.kind in "fiu":
            largest = self._largest if values.dtype.kind == "f" else EXACT
            with np.errstate(invalid="ignore"):
                fits = (values <= largest) & (values >= -float(largest))
            missing = np.isnan(values)
            if not (fits | missing).all() or (missing.any() and self._filling is None):
                return None
        elif isinstance(self.described, IntegerInput) and values.dtype.kind in "iu":
            if values.dtype == np.uint64 and (values > np.iinfo(np.int64).max).any():
                return None
        else:
            return None
        return values.astype(self._dtype).reshape(len(values), self.size)

    def _one(self, given: Any) -> list[Any]:
        """Return the values of one row."""
        given = unwrapped(given)
        if self.size == 1 and not _is_list_of(given, 1):
            return [self._value(given, self._names[0])]
        if not _is_list(given) or len(given) != self.size:
            came = f"a list of {len(given)}" if _is_list(given) else f"the single {shown(given)}"
            raise RowError(
                f"expected a list of {self.size} values, got {came}",
                column=self.name,
                value=given,
                expected=f"a list of {self.size} values",
            )
        names = self._names if len(self._names) == self.size else (self.name,) * self.size
        return [self._value(value, name) for value, name in zip(given, names, strict=True)]

    def _value(self, given: Any, name: str) -> Any:
        value = unwrapped(given)
        try:
            if not is_missing(value):
                return self._convert(value)
        except RowError as error:
            raise _named(error, name) from error.__cause__
        if self._filling is None:
            expected = _EXPECTED[self.described.KIND]
            raise RowError(
                f"expected {expected}, got {shown(given)}: a value is missing, and the model has "
                "no rule for that",
                column=name,
                value=given,
                expected=expected,
                remedy="Fill it in, or leave the row out.",
            )
        return self._filling


_EXPECTED = {
    "number": "a number",
    "integer": "a whole number",
    "category": "a text",
    "text": "a text",
}


_PLAIN: dict[str, frozenset[type]] = {
    "number": frozenset((float, int)),
    "integer": frozenset((int,)),
    "category": frozenset((str,)),
    "text": frozenset((str,)),
}
"""The types of values that are what they seem, and nothing inside of which has to be looked for."""


def _how(described: Described, max_text: int | None) -> tuple[Callable[[Any], Any], Any, Any]:
    """Return what converts a value, the array's type, and what fills in a missing value."""
    if isinstance(described, NumberInput):
        dtype = np.float32 if described.dtype is NumberType.FLOAT32 else np.float64
        largest = _largest(described)
        filling = np.nan if described.missing is MissingNumber.NAN else None
        return lambda value: number_of(value, largest=largest), dtype, filling
    if isinstance(described, IntegerInput):
        return whole_number_of, np.int64, _token(described)
    if isinstance(described, CategoryInput):
        return text_of, np.object_, _token(described)
    limit = described.max_chars if max_text is None else max_text
    return lambda value: _short(text_of(value), limit), np.object_, None


def _largest(described: NumberInput) -> float:
    """Return the largest magnitude that a number may have."""
    dtype = np.float32 if described.dtype is NumberType.FLOAT32 else np.float64
    largest = float(np.finfo(dtype).max)
    return min(largest, LARGEST_HASHED) if described.hashes else largest


def _token(described: IntegerInput | CategoryInput) -> Any:
    return described.missing_token if described.missing is MissingToken.TOKEN else None


def _short(text: str, limit: int) -> str:
    if len(text) > limit:
        raise RowError(
            f"expected at most {limit} characters, got {len(text)}: {shown(text)}",
            value=text,
            expected=f"at most {limit} characters",
            remedy="Cut it, or raise {option}: time and memory grow with it.",
            option="max_text",
        )
    return text


def _named(error: RowError, column: str) -> RowError:
    """Return the error of a value with its column."""
    return RowError(
        error.problem,
        column=column,
        value=error.value,
        expected=error.expected,
        remedy=error.remedy,
        option=error.option,
    )


def _is_list(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        return given.ndim > 0
    return isinstance(given, Sequence) and not isinstance(given, str | bytes | bytearray)


def _is_list_of(given: Any, count: int) -> bool:
    return _is_list(given) and len(given) == count


def _shapes(count: int, size: int) -> Sequence[tuple[int, ...]]:
    return [(count, size), (count,)] if size == 1 else [(count, size)]
