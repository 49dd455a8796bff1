"""Frames of pandas and Polars and tables of Arrow are rows, with all that they call missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from column_models import PLACE, features_of
from edgefeat import FeatureExtractor, RowError

ROWS: list[dict[str, Any]] = [
    {"age": 41, "rooms": 2**53 + 1, "city": "Rome", "note": "good"},
    {"age": None, "rooms": 0, "city": "Paris", "note": ""},
]
EXPECTED = np.array([features_of(row) for row in ROWS], np.float32)
FORMS: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(ROWS),
    "pandas, nullable": lambda: pd.DataFrame(ROWS).convert_dtypes(),
    "pandas, category": lambda: pd.DataFrame(ROWS).astype({"city": "category"}),
    "pandas, object": lambda: pd.DataFrame(ROWS, dtype=object),
    "pandas, Arrow": lambda: pd.DataFrame(ROWS).convert_dtypes(dtype_backend="pyarrow"),
    "Polars": lambda: pl.DataFrame(ROWS),
    "Polars, category": lambda: pl.DataFrame(ROWS).cast({"city": pl.Categorical}),
    "Arrow": lambda: pa.Table.from_pylist(ROWS),
    "Arrow, a batch": lambda: pa.RecordBatch.from_pylist(ROWS),
    "rows of pandas": lambda: [row for _, row in pd.DataFrame(ROWS, dtype=object).iterrows()],
    "named tuples": lambda: list(pd.DataFrame(ROWS).itertuples()),
    "rows of Polars": lambda: pl.DataFrame(ROWS).rows(named=True),
}


@pytest.fixture(scope="module")
def fx() -> FeatureExtractor:
    return FeatureExtractor(PLACE)


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_gives_what_its_rows_give(fx: FeatureExtractor, form: str) -> None:
    assert np.array_equal(fx.extract_batch(FORMS[form]()), EXPECTED)


@pytest.mark.parametrize("missing", [pd.NA, pd.NaT, None, np.nan], ids=["NA", "NaT", "None", "NaN"])
def test_what_frames_call_missing_never_becomes_a_text(
    fx: FeatureExtractor, missing: object
) -> None:
    frame = pd.DataFrame(ROWS, dtype=object)
    frame.loc[1, "city"] = missing
    with pytest.raises(RowError, match=r"row 1: column 'city': expected a text, got .*missing"):
        fx.extract_batch(frame)
    frame.loc[1, "city"] = "Rome"
    frame.loc[1, "age"] = missing
    assert np.array_equal(fx.extract_batch(frame)[:, 0], EXPECTED[:, 0])


def test_columns_of_another_type_are_refused(fx: FeatureExtractor) -> None:
    frame = pd.DataFrame(ROWS)
    for column, values in {
        "age": pd.to_datetime(["2020-01-01", "2021-01-01"]),
        "rooms": [True, False],
        "city": [1, 2],
    }.items():
        with pytest.raises(RowError, match=f"row 0: column '{column}': expected a"):
            fx.extract_batch(frame.assign(**{column: values}))


def test_a_lazy_frame_is_told_what_to_do(fx: FeatureExtractor) -> None:
    with pytest.raises(RowError, match=r"got a lazy frame\. Call its collect\(\) first"):
        fx.extract_batch(pl.LazyFrame(ROWS))


def test_a_column_that_is_there_twice_is_refused(fx: FeatureExtractor) -> None:
    frame = pd.DataFrame(ROWS)
    with pytest.raises(RowError, match="expected different columns, got 'age' more than once"):
        fx.extract_batch(pd.concat([frame, frame[["age"]]], axis=1))


def test_rows_and_predictions_in_parquet(tmp_path: Path, photos: Path) -> None:
    from pyarrow import parquet

    from answering_models import PLACE as JUDGE
    from edgefeat.cli.main import main

    table, out = tmp_path / "t.parquet", tmp_path / "out.parquet"
    names = ["chelsea.jpg", "coffee.jpg", "rocket.jpg"]
    rows = {"file": names, "level": [255.0, None, 50.0], "other": [1, 2, 3]}
    parquet.write_table(pa.table(rows), table)
    words = [photos, "--model", JUDGE, "--rows", table, "--key", "file", "-o", out, "-q"]
    assert main(["predict", *map(str, words)]) == 1
    found = parquet.read_table(out)
    assert found.column_names == ["path", "label", "p_dark", "p_light"]
    assert found.column("label").to_pylist() == ["dark", "light"]
