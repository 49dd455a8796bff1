"""Columns of a table as feature columns of a scikit-learn model."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from column_models import COLUMNS, PLACE, PROBE_ROWS, features_of, probe_of, write_people
from edgefeat import ModelError, RowError
from edgefeat.errors import OptionError
from edgefeat.model.columns import NumberInput
from edgefeat.model.shipped import default_model_path
from edgefeat.sklearn import ColumnFeatures

ROWS: list[dict[str, Any]] = [
    {"age": 41, "rooms": 3, "city": "Rome", "note": "good"},
    {"age": None, "rooms": 0, "city": "Paris", "note": ""},
    {"age": 20.0, "rooms": 1, "city": "Köln", "note": "bad"},
]
EXPECTED = np.array([features_of(row) for row in ROWS], np.float32)


def test_frames_and_arrays_give_the_same_columns() -> None:
    columns = ColumnFeatures(PLACE).fit(ROWS)
    frame = pd.DataFrame(ROWS)
    for given in (ROWS, frame, frame[["note", "age", "city", "rooms"]], frame.to_numpy(object)):
        assert np.array_equal(columns.transform(given), EXPECTED)
    assert list(columns.feature_names_in_) == ["age", "rooms", "city", "note"]
    assert list(columns.get_feature_names_out()) == [f"columns_f{i:04}" for i in range(4)]
    with pytest.raises(RowError, match=r"expected 4 columns, got 3\. They are age, rooms, city, n"):
        columns.transform(frame.to_numpy(object)[:, :3])


def test_in_a_column_transformer_beside_a_scaler() -> None:
    frame = pd.DataFrame(ROWS * 4).assign(price=np.arange(12.0))
    labels = np.array([0, 1, 1] * 4)
    names = ["age", "rooms", "city", "note"]
    columns = ColumnTransformer(
        [("words", ColumnFeatures(PLACE), names), ("table", StandardScaler(), ["price"])]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, labels)
    assert np.array_equal(model.predict(frame), labels)
    assert len(columns.fit(frame).get_feature_names_out()) == 5
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(frame), labels)  # noqa: S301


def test_a_bad_row_stops_or_becomes_nan() -> None:
    rows = [ROWS[0], ROWS[1] | {"city": None}]
    with pytest.raises(RowError, match="row 1: column 'city'"):
        ColumnFeatures(PLACE).fit_transform(rows)
    found = clone(ColumnFeatures(PLACE, on_error="skip")).fit_transform(rows)
    assert np.array_equal(found[0], EXPECTED[0])
    assert np.isnan(found[1]).all()


def test_another_model_or_one_for_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"got one for pictures\. Use ImageFeatures"):
        ColumnFeatures(default_model_path()).fit(ROWS)
    path = tmp_path / "people.onnx"
    write_people(path, probe=probe_of(PROBE_ROWS))
    fitted = pickle.dumps(ColumnFeatures(path).fit(ROWS))
    write_people(path, columns=(NumberInput(name="age"), *COLUMNS[1:]))
    with pytest.raises(ModelError, match="fingerprint: this ColumnFeatures was fitted with"):
        pickle.loads(fitted).transform(ROWS)  # noqa: S301
