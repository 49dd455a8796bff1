"""Whatever Python has for a value is taken by rule or named: nothing becomes a text by itself."""

from __future__ import annotations

import enum
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from column_models import CITIES, features_of
from edgefeat import FeatureExtractor
from edgefeat.errors import RowError
from edgefeat.rows.values import is_missing, number_of, text_of, whole_number_of

ROW: dict[str, Any] = {"age": 41, "rooms": 3, "city": "Rome", "note": "good"}
MISSING = "a value is missing, and the model has no rule for that. Fill it in, or leave the row out"


class City(str, enum.Enum):  # noqa: UP042 - a plain one, whose str() is its name
    ROME = "Rome"


class NAType:
    """As pandas' NA: it compares with nothing."""

    def __repr__(self) -> str:
        return "<NA>"

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")


def refusal(fx: FeatureExtractor, **changes: Any) -> str:
    with pytest.raises(RowError) as caught:
        fx.extract(ROW | changes)
    assert caught.value.row is None
    assert [caught.value.column] == list(changes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "same"),
    [
        ("age", np.float32(1.5), 1.5),
        ("age", np.float64(1.5), 1.5),
        ("age", np.int8(-3), -3),
        ("age", np.array(7.0), 7),
        ("age", [7], 7),
        ("age", Decimal("1.5"), 1.5),
        ("age", Fraction(3, 2), 1.5),
        ("age", 2**53, 2**53),
        ("age", -0.0, -0.0),
        ("rooms", np.int64(-(2**63)), -(2**63)),
        ("rooms", np.uint64(5), 5),
        ("rooms", 3.0, 3),
        ("rooms", np.float32(3.0), 3),
        ("rooms", Decimal(3), 3),
        ("city", np.str_("Rome"), "Rome"),
        ("city", City.ROME, "Rome"),
        ("city", "None", ""),
        ("city", "nan", ""),
        ("city", "Rome\0", ""),
        ("city", "\0", ""),
        ("city", "Ko\u0308ln", ""),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore::edgefeat.errors.UnseenWarning")
def test_what_is_taken(fx: FeatureExtractor, column: str, value: object, same: object) -> None:
    expected = np.array(features_of(ROW | {column: same}), np.float32)
    assert np.array_equal(fx.extract(ROW | {column: value}), expected)


@pytest.mark.parametrize(
    "missing",
    [
        None,
        float("nan"),
        np.float32("nan"),
        np.datetime64("NaT", "s"),
        Decimal("NaN"),
        Decimal("sNaN"),
        NAType(),
        np.ma.masked,
    ],
    ids=repr,
)
def test_what_is_missing_follows_the_columns_rule(fx: FeatureExtractor, missing: object) -> None:
    assert is_missing(missing)
    expected = np.array(features_of(ROW | {"age": None}), np.float32)
    assert np.array_equal(fx.extract(ROW | {"age": missing}), expected)
    for column, what in (("rooms", "a whole number"), ("city", "a text"), ("note", "a text")):
        text = refusal(fx, **{column: missing})
        assert text.startswith(f"column {column!r}: expected {what}, got ")
        assert text.endswith(f": {MISSING}.")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("age", "41", "expected a number, got '41'. Make it a number first."),
        (
            "age",
            True,
            "expected a number, got True, a truth value. Give 0 or 1, if the model was trained "
            "with these.",
        ),
        (
            "age",
            np.bool_(True),
            "expected a number, got True, a truth value. Give 0 or 1, if the model was trained "
            "with these.",
        ),
        ("age", b"41", "expected a number, got b'41', bytes."),
        ("age", 1j, "expected a number, got 1j, a number."),
        ("age", np.timedelta64(1, "s"), "expected a number, got datetime.timedelta(seconds=1), "),
        ("age", [1, 2], "expected a number, got [1, 2], of type list."),
        ("age", {}, "expected a number, got {}, of type dict."),
        ("age", float("inf"), "expected a finite number, got inf."),
        ("age", -np.inf, "expected a finite number, got -inf."),
        ("age", Decimal("1e999"), "expected a finite number, got Decimal('1E+999')."),
        ("age", 1e39, "expected a number that a float32 holds, got 1e+39."),
        (
            "age",
            2**53 + 1,
            "expected a number that a float64 holds exactly, got 9007199254740993, beyond 2**53. "
            "Give a float, if its last digits do not matter.",
        ),
        ("rooms", 3.5, "expected a whole number, got 3.5."),
        ("rooms", float("inf"), "expected a whole number, got inf."),
        ("rooms", "3", "expected a whole number, got '3'. Make it a number first."),
        (
            "rooms",
            False,
            "expected a whole number, got False, a truth value. Give 0 or 1, if the model was "
            "trained with these.",
        ),
        ("rooms", 2**63, "expected a whole number of 64 bits, got 9223372036854775808."),
        (
            "rooms",
            2.0**60,
            "expected a whole number, got the float 1.152921504606847e+18, beyond 2**53, where "
            "floats are not exact. Give an int.",
        ),
        ("city", b"Rome", "expected a text, got b'Rome', bytes. Decode it first, as by .decode()."),
        (
            "city",
            3,
            "expected a text, got 3. Give it as it was written in training, such as by str().",
        ),
        ("city", ["Rome", "Paris"], "expected a text, got ['Rome', 'Paris'], of type list."),
        (
            "city",
            "\ud800",
            "expected a text that has a UTF-8 form, got '\\ud800' with half a surrogate pair at 0. "
            "It was decoded wrongly, or cut within a character: read it anew.",
        ),
        (
            "note",
            "x" * 41,
            f"expected at most 40 characters, got 41: {'x' * 41!r}. Cut it, or raise max_text: "
            "time and memory grow with it.",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_refused(fx: FeatureExtractor, column: str, value: object, message: str) -> None:
    assert refusal(fx, **{column: value}).startswith(f"column {column!r}: {message}")


def test_a_longer_text_is_taken_where_that_is_asked_for(people: Any) -> None:
    with FeatureExtractor(people, max_text=50) as fx:
        assert fx.extract(ROW | {"note": "x" * 50})[3] == 0
        assert "expected at most 50 characters, got 51" in refusal(fx, note="x" * 51)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_whole_number_of_64_bits_stays_what_it_is(value: int) -> None:
    assert whole_number_of(value) == value
    assert whole_number_of(np.int64(value)) == value


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_every_float32_stays_what_it_is(value: float) -> None:
    found = number_of(value, largest=float(np.finfo(np.float32).max))
    assert np.float32(found).tobytes() == np.float32(value).tobytes()


@given(st.text())
def test_every_text_stays_what_it_is(value: str) -> None:
    assert text_of(value) == value
    assert text_of(value) in (*CITIES, value)
