"""Rows in any form give the features of `features_of`; one that does not fit ends no batch."""

from __future__ import annotations

import collections
import pickle
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgefeat
from column_models import COLUMNS, PROBE_ROWS, features_of, probe_of, write_people
from edgefeat import FeatureExtractor, ModelError
from edgefeat.errors import OptionError, RowError, UnseenWarning
from edgefeat.model.columns import CategoryInput, IntegerInput, MissingToken, NumberInput, Unseen

ROWS: list[dict[str, Any]] = [
    {"age": 41, "rooms": 3, "city": "Rome", "note": "good"},
    {"age": None, "rooms": 0, "city": "Paris", "note": "so so"},
    {"age": 2.5, "rooms": -1, "city": "Köln", "note": "bad"},
]
EXPECTED = np.array([features_of(row) for row in ROWS], np.float32)
KNOWN = "age, rooms, city, note"


def columns() -> dict[str, list[Any]]:
    return {name: [row[name] for row in ROWS] for name in ROWS[0]}


def structured() -> Any:
    kind = [("age", "f8"), ("rooms", "i4"), ("city", "U8"), ("note", "O")]
    rows = [tuple(np.nan if v is None else v for v in row.values()) for row in ROWS]
    return np.array(rows, dtype=kind)


class Frame:
    """As little of a frame as it takes: columns by name, and a length."""

    columns = ("note", "city", "rooms", "age", "id")

    def __len__(self) -> int:
        return len(ROWS)

    def __getitem__(self, name: str) -> Any:
        assert name != "id", "a column that the model does not take is not read"
        return columns()[name]


class KeyedRow:
    """As a row of SQLite: it has keys, and is no mapping."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row

    def keys(self) -> list[str]:
        return list(self._row)

    def __getitem__(self, name: str) -> Any:
        return self._row[name]


NamedRow: Any = collections.namedtuple("NamedRow", "Index age rooms city note")


def test_a_model_with_columns_says_what_it_is(fx: FeatureExtractor, people: Path) -> None:
    assert repr(fx) == (
        f"<FeatureExtractor {str(people)!r}: people, fp32, 4 features, "
        f"fingerprint {fx.fingerprint[:12]}>"
    )
    assert fx.spec.columns == COLUMNS
    assert fx.outputs == {"features": (4,)}
    assert not fx.reduces_jpegs


@pytest.mark.parametrize(
    "make",
    [
        lambda: ROWS,
        lambda: tuple(ROWS),
        lambda: iter(ROWS),
        columns,
        lambda: {name: np.array(values, object) for name, values in columns().items()},
        structured,
        lambda: list(structured()),
        lambda: [KeyedRow(row) for row in ROWS],
        lambda: [NamedRow(i, **row) for i, row in enumerate(ROWS)],
        lambda: [dict(reversed(row.items())) for row in ROWS],
    ],
    ids=["list", "tuple", "iterator", "columns", "arrays", "structured", "records", "keys",
         "named tuples", "another order"],
)  # fmt: skip
@pytest.mark.parametrize("batch", [None, 1, 2])
def test_rows_in_any_form(fx: FeatureExtractor, make: Callable[[], Any], batch: int | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fx.extract_batch(make(), batch=batch)
    assert found.dtype == np.float32
    assert np.array_equal(found, EXPECTED)


def test_a_frames_other_columns_are_left_out_with_one_notice(fx: FeatureExtractor) -> None:
    with pytest.warns(UserWarning, match="and they are left out: id$") as told:
        assert np.array_equal(fx.extract_batch(Frame()), EXPECTED)
    assert len(told) == 1


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_one_row_alone(fx: FeatureExtractor, row: int) -> None:
    forms: list[Any] = [ROWS[row], KeyedRow(ROWS[row]), structured()[row]]
    for given in [*forms, NamedRow(0, **ROWS[row])]:
        assert np.array_equal(fx.extract(given), EXPECTED[row])
    outputs = fx.extract_outputs(ROWS[row])
    assert list(outputs) == ["features"]
    assert np.array_equal(outputs["features"], EXPECTED[row])


def test_no_rows_give_an_empty_array(fx: FeatureExtractor) -> None:
    empty: list[Any] = [[], iter(()), {name: [] for name in ROWS[0]}, structured()[:0]]
    for nothing in empty:
        assert fx.extract_batch(nothing).shape == (0, 4)


def test_a_batch_is_its_rows_in_any_order_and_size(fx: FeatureExtractor) -> None:
    """Also where texts have very different lengths, and some rows are wrong."""
    shuffled = random.Random(3)
    rows: list[dict[str, Any]] = []
    for i in range(200):
        note = "x" * shuffled.choice([0, 1, 17, 39, 40])
        rows.append(ROWS[i % 3] | {"age": i, "note": note})
        rows.append(ROWS[i % 3] | {"note": "x" * 41})
    shuffled.shuffle(rows)
    nothing = [np.nan] * 4
    expected = [nothing if len(row["note"]) > 40 else features_of(row) for row in rows]
    for batch in (None, 1, 7, 64):
        found = fx.extract_batch(rows, batch=batch, on_error="skip")
        assert np.array_equal(found, np.array(expected, np.float32), equal_nan=True)


def test_a_row_that_does_not_fit_keeps_its_place(fx: FeatureExtractor) -> None:
    rows: list[Any] = [
        ROWS[0],
        ROWS[1] | {"age": "old"},
        3,
        ROWS[2],
        {"Age": 3} | {k: v for k, v in ROWS[0].items() if k != "age"},
        {k: v for k, v in ROWS[0].items() if k != "city"},
        ROWS[0] | {"unit": 1},
    ]
    found = list(fx.iter_features(rows, on_error="skip", batch=2))
    assert [type(one) is RowError for one in found] == [False, True, True, False, True, True, True]
    errors = {one.row: str(one) for one in found if isinstance(one, RowError)}
    assert errors == {
        1: "row 1: column 'age': expected a number, got 'old'. Make it a number first.",
        2: f"row 2: expected a mapping of columns to values, got 3. This model's columns are "
        f"{KNOWN}.",
        4: f"row 4: column 'Age': not one of this model's columns, which are {KNOWN}. Did you "
        "mean 'age'?",
        5: f"row 5: column 'city': expected it, and it is not there. This model's columns are "
        f"{KNOWN}.",
        6: f"row 6: column 'unit': not one of this model's columns, which are {KNOWN}. Leave it "
        "out.",
    }
    with pytest.raises(RowError) as caught:
        fx.extract_batch(rows)
    error = caught.value
    assert (error.row, error.column, error.value, error.expected) == (1, "age", "old", "a number")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.row, again.column) == (str(error), 1, "age")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("rows.csv", "expected several rows, got 'rows.csv'. Give a list of mappings,"),
        (3, "expected several rows, got 3. Give a list of mappings,"),
        (ROWS[0], "column 'age': expected a list of values, one a row, got 41. For a single row"),
        (
            {"age": [1, 2], "rooms": [1]},
            "expected columns of one length, got age 2, rooms 1.",
        ),
        ({"age": [1]}, "column 'rooms': expected it, and it is not there."),
        (
            {**{name: [value] for name, value in ROWS[0].items()}, "Rooms": [1]},
            "column 'Rooms': not one of this model's columns",
        ),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_has_no_such_rows_is_refused(fx: FeatureExtractor, given: Any, message: str) -> None:
    with pytest.raises(RowError) as caught:
        fx.extract_batch(given, on_error="skip")
    assert str(caught.value).startswith(message)


def test_what_does_not_apply_is_refused(fx: FeatureExtractor, people: Path) -> None:
    with pytest.raises(ModelError, match=r"takes no picture: its columns are age, rooms, city"):
        fx.prepare("cat.jpg")
    with pytest.raises(OptionError, match="row: does not apply"):
        fx.extract(ROWS[0], ROWS[1])
    with pytest.raises(OptionError, match="retries: applies to pictures only"):
        fx.extract_batch(ROWS, retries=1)
    with pytest.raises(OptionError, match="decode: does not apply: the model takes no picture"):
        FeatureExtractor(people, decode="full")
    with pytest.raises(OptionError, match="max_text: does not apply: the model takes no text"):
        FeatureExtractor(max_text=10)


def test_unseen_categories_are_counted_and_told_once(fx: FeatureExtractor) -> None:
    rows = [ROWS[0], ROWS[0] | {"city": "rome"}, ROWS[0] | {"city": "Oslo"}]
    with pytest.warns(UnseenWarning) as told:
        found = fx.extract_batch(rows + rows)
    assert [str(one.message) for one in told] == [
        "column 'city': 'rome' is none of the 3 values that this model knows; they share one bin. "
        "It knows 'Rome', with a capital at the start: spell it as in training. It is told once "
        "and counted."
    ]
    assert fx.unseen == {"city": 4}
    assert np.array_equal(found[:, 2], np.array([3, 0, 0, 3, 0, 0], np.float32))


def test_unseen_categories_are_refused_where_that_is_the_rule(tmp_path: Path) -> None:
    path = tmp_path / "strict.onnx"
    city = CategoryInput(name="city", unseen=Unseen.REFUSE, values=3)
    write_people(path, columns=(*COLUMNS[:2], city, COLUMNS[3]))
    with FeatureExtractor(path) as fx:
        for value, hint in {
            "Oslo": "Give a value that it knows.",
            "Ko\u0308ln": "It knows 'Köln', with composed letters (NFC): spell it as in training.",
            " Paris": "It knows 'Paris', without blanks around it: spell it as in training.",
        }.items():
            with pytest.raises(RowError) as caught:
                fx.extract(ROWS[0] | {"city": value})
            assert str(caught.value) == (
                f"column 'city': {value!r} is none of the 3 values that this model knows. {hint}"
            )
            assert caught.value.value == value
        found = fx.extract_batch([ROWS[0], ROWS[0] | {"city": "Oslo"}], on_error="skip")
        assert np.array_equal(found[0], EXPECTED[0])
        assert np.isnan(found[1]).all()


def test_rules_for_missing_values_are_the_models(tmp_path: Path) -> None:
    path = tmp_path / "tokens.onnx"
    write_people(
        path,
        columns=(
            NumberInput(name="age"),
            IntegerInput(name="rooms", missing=MissingToken.TOKEN, missing_token=-7),
            CategoryInput(
                name="city", unseen=Unseen.BIN, missing=MissingToken.TOKEN, values=3,
                missing_token="Paris",  # noqa: S106 - no password
            ),
            COLUMNS[3],
        ),
    )  # fmt: skip
    with FeatureExtractor(path) as fx:
        found = fx.extract(ROWS[0] | {"rooms": None, "city": np.nan})
        assert np.array_equal(found[1:3], np.array([-7, 2], np.float32))
        with pytest.raises(RowError, match="column 'age': expected a number, got nan: a value is"):
            fx.extract_batch(
                {name: np.array([v]) for name, v in (ROWS[0] | {"age": np.nan}).items()}
            )


def test_features_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    """Without the rule for a missing age it would be NaN; so are infinite features."""
    path = tmp_path / "people.onnx"
    write_people(path, columns=(NumberInput(name="age"), *COLUMNS[1:]))
    with FeatureExtractor(path) as fx:
        rows = [ROWS[0], ROWS[0] | {"age": -3.4e38}]
        assert np.isfinite(fx.extract_batch(rows)).all()


def test_a_missing_rule_that_the_graph_cannot_keep_is_refused(tmp_path: Path) -> None:
    from column_models import people_graph

    path = tmp_path / "silent.onnx"
    city = CategoryInput(name="city", unseen=Unseen.REFUSE, values=3)
    graph = people_graph(unseen=False)
    write_people(path, columns=(*COLUMNS[:2], city, COLUMNS[3]), graph=graph)
    with pytest.raises(ModelError, match="refuses unseen categories, and the graph has no output"):
        FeatureExtractor(path)
    write_people(path, graph=graph)
    with FeatureExtractor(path) as fx:
        assert fx.extract(ROWS[0] | {"city": "Oslo"})[2] == 0
        assert fx.unseen == {}


def test_the_self_test_runs_rows(fx: FeatureExtractor, tmp_path: Path) -> None:
    assert fx.self_test()
    path = tmp_path / "wrong.onnx"
    probe = probe_of(PROBE_ROWS)
    wrong = [*PROBE_ROWS[:2], PROBE_ROWS[3] | {"city": "Rome"}, PROBE_ROWS[3]]
    write_people(path, probe=probe_of(wrong))
    assert FeatureExtractor(path).self_test()
    lying = type(probe)(
        generator="rows", rows=tuple(wrong), expected=probe.expected, expected_dtype="float32",
        relative_l2_max=1e-6,
    )  # fmt: skip
    write_people(path, probe=lying)
    result = FeatureExtractor(path).self_test()
    assert not result
    assert result.relative_l2 > 1e-3


def test_an_extractor_of_rows_goes_through_a_pickle(fx: FeatureExtractor) -> None:
    again = pickle.loads(pickle.dumps(fx))  # noqa: S301 - our own
    assert np.array_equal(again.extract(ROWS[0]), EXPECTED[0])


def test_normalised_rows_have_length_one(people: Path, fx: FeatureExtractor) -> None:
    with FeatureExtractor(people, normalize=True) as unit:
        assert unit.fingerprint != fx.fingerprint
        for found in (unit.extract(ROWS[0]), unit.extract_outputs(ROWS[0])["features"]):
            assert np.allclose(found, EXPECTED[0] / np.linalg.norm(EXPECTED[0]), rtol=1e-6)


def test_a_picture_models_error_for_a_row_is_one_line() -> None:
    with pytest.raises(TypeError, match="expected a path"):
        edgefeat.extract(ROWS[0])  # type: ignore[arg-type]
