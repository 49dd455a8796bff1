"""Rows to compare on: read from any form, and named where they do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from edgefeat_export import attach
from edgefeat_export.attaching.rows import tensor_of
from edgefeat_export.attaching.taking_apart import take_apart
from edgefeat_export.errors import ExportError
from head_pipelines import columns, imputed

Parts = tuple[Any, Any]


def test_rows_that_do_not_fit_are_named(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    for changed, message in (
        (rows.drop(columns="price"), "no column 'price'; there is 'path', 'kind', 'width',"),
        (rows.assign(price="cheap"), "row 0: column 'price': expected a number, got 'cheap'."),
        (rows.assign(shop=3), "row 0: column 'shop': expected a word, got 3."),
        (rows.iloc[:0], "rows: no rows to compare on."),
    ):
        with pytest.raises(ExportError) as caught:
            attach(pipeline, model, changed, out)
        assert message in str(caught.value)


def test_a_gap_that_nothing_takes_is_named(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    whole = fit.fillna({"price": 0.0})
    pipeline = make_pipeline(columns("passthrough"), LogisticRegression()).fit(whole, whole["kind"])
    assert rows["price"].isna().any()
    with pytest.raises(ExportError, match="'price': missing, and neither a step nor the estimator"):
        attach(pipeline, model, rows, out)


def test_a_table_file_is_read_and_paths_start_at_it(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    root = Path(rows["path"][0]).parent
    table = root / "rows.csv"
    rows.assign(path=[Path(one).name for one in rows["path"]]).to_csv(table, index=False)
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    assert attach(pipeline, model, table, out).rows == len(rows)


def test_pandas_own_missing_values_are_missing(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    rows = rows.assign(price=pd.array(rows["price"], dtype="Float64"))
    column = take_apart(pipeline, pipeline[0].named_transformers_["photo"].fingerprint_, 1280)
    tensor = tensor_of(rows, column.columns["price"])
    assert np.isnan(tensor[:, 0]).tolist() == rows["price"].isna().tolist()
