"""One value of a row, as its column's kind takes it.

ONNX Runtime makes a text of whatever it is given: None becomes "None", NaN "nan", 3 "3" and b"a"
"b'a'". A missing value would then be a category that somebody may really have. So every value's
type is checked here, before ONNX Runtime sees it.
"""

from __future__ import annotations

import numbers
from decimal import Decimal
from typing import Any

import numpy as np

from edgefeat.errors import RowError

__all__ = [
    "EXACT",
    "LARGEST_HASHED",
    "is_missing",
    "number_of",
    "shown",
    "text_of",
    "unwrapped",
    "whole_number_of",
]

EXACT = 2**53
"""Whole numbers up to here are exact in a float64."""
LARGEST_HASHED = 2.0**63 - 2.0**39
"""The whole part of a number up to here has 64 bits, as a float32 too."""
_INT64 = range(-(2**63), 2**63)
_MISSING_TYPES = (
    "NAType",
    "NaTType",
    "MaskedConstant",
)  # pandas' own, and that of NumPy's masked arrays
_LONGEST_SHOWN = 60


def is_missing(value: Any) -> bool:
    """Return whether a value is missing: None, NaN, pandas' NA and NaT, or a masked one."""
    if value is None or type(value).__name__ in _MISSING_TYPES:
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def unwrapped(value: Any) -> Any:
    """Return what is inside an array without axes or a scalar of Arrow; others as they are."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return value if type(value).__name__ in _MISSING_TYPES else value[()]
    if not isinstance(value, str | float | int) and hasattr(value, "as_py"):
        return value.as_py()
    return value


def number_of(value: Any, *, largest: float) -> float:
    """Return a number as the graph takes it.

    Args:
        value: An int or float of Python or NumPy, a Decimal or a Fraction.
        largest: The largest magnitude of the graph's type.

    Raises:
        RowError: It is no number, infinite, or a whole number that no float64 can hold.
    """
    is_number = isinstance(value, numbers.Real | np.number | Decimal)
    if not is_number or isinstance(value, bool | np.complexfloating | np.timedelta64):
        raise _unfit("a number", value)
    if isinstance(value, numbers.Integral) and abs(int(value)) > EXACT:
        raise RowError(
            f"expected a number that a float64 holds exactly, got {int(value)}, beyond 2**53",
            value=value,
            expected="a number",
            remedy="Give a float, if its last digits do not matter.",
        )
    try:
        found = float(value)
    except (OverflowError, ValueError):
        found = np.inf
    if abs(found) > largest:  # NaN is missing, and never comes here
        expected = "a number that a float32 holds"
        if largest == LARGEST_HASHED:
            expected = "a number below 2**63, for the model hashes its whole part"
        if np.isinf(found):
            expected = "a finite number"
        problem = f"expected {expected}, got {shown(value)}"
        raise RowError(problem, value=value, expected=expected)
    return found


def whole_number_of(value: Any) -> int:
    """Return a whole number as the graph takes it; a float that is whole is one.

    Raises:
        RowError: It is no whole number, or beyond 64 bits.
    """
    if isinstance(value, float | np.floating | Decimal):
        finite = float(value)
        if not np.isfinite(finite) or finite != int(finite):
            raise _unfit("a whole number", value)
        if not isinstance(value, Decimal) and abs(finite) > EXACT:
            raise RowError(
                f"expected a whole number, got the float {shown(value)}, beyond 2**53, where "
                "floats are not exact",
                value=value,
                expected="a whole number",
                remedy="Give an int.",
            )
    elif isinstance(value, bool | np.timedelta64) or not isinstance(value, numbers.Integral):
        raise _unfit("a whole number", value)
    found = int(value)
    if found not in _INT64:
        raise RowError(
            f"expected a whole number of 64 bits, got {found}",
            value=value,
            expected="a whole number",
        )
    return found


def text_of(value: Any) -> str:
    """Return a text as the graph takes it, with all that is in it, NUL too.

    Raises:
        RowError: It is no text, or one that has no UTF-8.
    """
    if not isinstance(value, str):
        raise _unfit("a text", value)
    text = str.__str__(value)  # the text inside an enumeration's member or numpy.str_
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise RowError(
                f"expected a text that has a UTF-8 form, got {shown(text)} with half a surrogate "
                f"pair at {error.start}",
                value=value,
                expected="a text",
                remedy="It was decoded wrongly, or cut within a character: read it anew.",
            ) from error
    return text


def shown(value: object) -> str:
    """Return a value for a message, shortened."""
    if isinstance(value, np.generic) and not isinstance(value, np.void):
        value = value.item()
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a foreign object's repr may do anything
        text = f"<{type(value).__name__}>"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def _unfit(expected: str, value: object) -> RowError:
    """Return the error of a value of another type."""
    kind = _kind(value)
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return RowError(
        f"expected {expected}, got {shown(value)}" + ("" if plain else f", {kind}"),
        value=value,
        expected=expected,
        remedy=_REMEDIES.get((expected, kind)),
    )


def _kind(value: object) -> str:
    kinds = (name for types, name in _KINDS if isinstance(value, types))
    return next(kinds, f"of type {type(value).__name__}")


_KINDS: tuple[tuple[tuple[type, ...], str], ...] = (
    ((bool, np.bool_), "a truth value"),
    ((bytes, bytearray, memoryview), "bytes"),
    ((str,), "a text"),
    ((numbers.Number, np.number, Decimal), "a number"),
)
_REMEDIES = {
    ("a number", "a text"): "Make it a number first.",
    ("a whole number", "a text"): "Make it a number first.",
    ("a number", "a truth value"): "Give 0 or 1, if the model was trained with these.",
    ("a whole number", "a truth value"): "Give 0 or 1, if the model was trained with these.",
    ("a text", "bytes"): "Decode it first, as by .decode().",
    ("a text", "a number"): "Give it as it was written in training, such as by str().",
}
