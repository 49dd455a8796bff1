"""Steps of columns: computed as by scikit-learn, and described in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC

import edgefeat
from edgefeat.errors import EdgefeatError, RowError
from edgefeat.model.columns import CategoryInput, NumberInput, Unseen
from edgefeat.model.file import read_model_file
from edgefeat_export import attach
from edgefeat_export.attaching import gates
from head_pipelines import Remembered, columns, imputed, tail_answers

Frame = Any


Parts = tuple[Frame, Frame]


def test_the_spec_tells_the_rule_of_each_column(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    others = (
        ("sizes", OrdinalEncoder(), ["size"]),
        ("when", RobustScaler(), ["when"]),
        ("root", FunctionTransformer(np.log1p), ["width"]),
    )
    chain = make_pipeline(columns(imputed(), *others), LogisticRegression(max_iter=300))
    attach(chain.fit(fit, fit["kind"]), model, rows, out)
    there = {one.name: one for one in read_model_file(out).spec.columns}
    price, when, width = there["price"], there["when"], there["width"]
    assert isinstance(price, NumberInput)
    assert isinstance(when, NumberInput)
    assert isinstance(width, NumberInput)
    assert (price.missing, when.missing, width.missing) == ("nan", "refuse", "refuse")
    assert when.range == (rows["when"].min(), rows["when"].max())
    shop, size = there["shop"], there["size"]
    assert isinstance(shop, CategoryInput)
    assert isinstance(size, CategoryInput)
    assert (shop.unseen, size.unseen) == (Unseen.ZEROS, Unseen.REFUSE)
    assert (shop.values, size.values, size.missing) == (3, 3, "refuse")
    row = rows[["width", "price", "when", "shop", "size"]].iloc[0].to_dict()
    with edgefeat.Predictor(out) as predictor:
        with pytest.raises(RowError, match=r"'size'.*'xxl'"):  # where scikit-learn raises, too
            predictor.predict(rows["path"][0], {**row, "size": "xxl"})
        with pytest.raises(RowError, match="'when'"):
            predictor.predict(rows["path"][0], {**row, "when": None})


@pytest.mark.parametrize("place", ["in a column's branch", "behind the columns", "in a stack"])
def test_a_missing_number_is_refused_where_scikit_learn_would_raise(
    place: str, parts: Parts, model: str, out: Path
) -> None:
    fit, rows = (part.dropna().reset_index(drop=True) for part in parts)
    trees = HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=2)
    chains = {
        "in a column's branch": (columns(PCA(1)), trees),
        "behind the columns": (columns("passthrough"), PCA(5), trees),
        "in a stack": (
            columns("passthrough"),
            StackingClassifier([("t", make_pipeline(PCA(5), trees))], trees, cv=2),
        ),
    }
    pipeline = make_pipeline(*chains[place]).fit(fit, fit["kind"])
    attach(pipeline, model, rows, out)
    row = rows[["width", "price", "shop"]].iloc[0].to_dict()
    gap = rows[:1].assign(price=np.nan)
    with pytest.raises(ValueError, match="contains NaN"):
        pipeline.predict(gap)
    with edgefeat.Predictor(out) as predictor:
        assert predictor.predict(rows["path"][0], row).label == pipeline.predict(rows[:1])[0]
        with pytest.raises(RowError, match="'price'"):
            predictor.predict(rows["path"][0], {**row, "price": None})


NOT_A_NUMBER: dict[str, Any] = {
    "margins": (columns(FunctionTransformer(np.log)), LinearSVC()),
    "neighbours": (columns(FunctionTransformer(np.log)), KNeighborsClassifier(3)),
    "within a vote": (
        columns("passthrough"),
        VotingClassifier(
            [
                ("r", make_pipeline(FunctionTransformer(np.sqrt), LinearSVC())),
                ("l", LogisticRegression()),
            ]
        ),
    ),
    "a stack of labels": (
        columns(FunctionTransformer(np.log)),
        StackingClassifier(
            [("m", LinearSVC()), ("k", KNeighborsClassifier(3))], stack_method="predict", cv=2
        ),
    ),
}


@pytest.mark.parametrize("case", NOT_A_NUMBER)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_number_that_a_step_makes_nan_gives_no_answer(
    case: str, parts: Parts, model: str, out: Path
) -> None:
    fit, rows = (part.assign(price=1.0) for part in parts)
    pipeline = make_pipeline(*NOT_A_NUMBER[case]).fit(fit, fit["kind"])
    with pytest.raises(ValueError, match="contains NaN"):
        pipeline.predict(rows[:1].assign(width=-5.0))
    attach(pipeline, model, rows, out)
    row = {"width": 100.0, "price": 1.0, "shop": "Rome"}
    photo = rows["path"][0]
    with edgefeat.Predictor(out) as predictor:
        first, broken, last = predictor.predict_batch(
            [photo] * 3, [row, {**row, "width": -5.0}, row], on_error="skip"
        )
        assert not isinstance(first, EdgefeatError)
        assert not isinstance(last, EdgefeatError)
        assert first.label == last.label == pipeline.predict(rows[:1].assign(**row))[0]
        assert isinstance(broken, RowError)


def rows_of_times(fit: Frame, count: int) -> tuple[Frame, Any]:
    draw = np.random.default_rng(1)
    picked = draw.integers(0, len(fit), count)
    frame = fit.iloc[picked].reset_index(drop=True)
    frame["when"] = 1.7e9 + draw.integers(0, 10**8, count) / 7
    truth = np.where(frame["when"] % 1000 > 500, "late", "early")
    return frame, truth


@pytest.mark.parametrize(
    "trees_of_times",
    [
        RandomForestClassifier(20, max_features=8, random_state=0),
        pytest.param(
            HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=8), marks=pytest.mark.full
        ),
    ],
    ids=["forest", "histograms"],
)
def test_trees_on_times_take_the_same_branches(trees_of_times: Any, parts: Parts) -> None:
    """Of 2,000 rows none; by float32 arithmetic some take other ones."""
    frame, truth = rows_of_times(parts[0], 2000)
    times = StandardScaler()
    trees = [("photo", Remembered(), ["path"]), ("when", times, ["when"])]
    pipeline = make_pipeline(ColumnTransformer(trees), trees_of_times).fit(frame, truth)
    wanted = pipeline.predict_proba(frame)
    _, got, _ = tail_answers(pipeline, frame)
    assert np.abs(got["probabilities"] - wanted).max() < 1e-6


@pytest.mark.parametrize(
    "encoder",
    [
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=4),
        OneHotEncoder(handle_unknown="ignore", drop="first"),
        OneHotEncoder(handle_unknown="ignore", max_categories=2),
        OneHotEncoder(handle_unknown="warn"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        make_pipeline(
            SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")
        ),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_words_are_encoded_as_by_scikit_learn(encoder: Any, parts: Parts) -> None:
    fit, rows = parts[0].copy(), parts[1].copy()
    fit.loc[3, "shop"] = "Oslo"
    rows["shop"] = ["Rome", "Paris", "rome", "Köln", "東京", "", "Oslo", "Köln\0", "nan"]
    if not isinstance(encoder, OneHotEncoder | OrdinalEncoder):
        fit.loc[4, "shop"] = np.nan  # None is a word to SimpleImputer, unless pandas makes it NaN
        rows.loc[1, "shop"] = np.nan
    steps = [("photo", Remembered(), ["path"]), ("words", encoder, ["shop", "size"])]
    pipeline = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(fit, fit["kind"])
    taken, got, features = tail_answers(pipeline, rows)
    gates.check_steps(taken, got, rows, features)
    assert set(taken.steps) == {"words"}
    known = set(fit["shop"].dropna())
    expected = [int(not pd.isna(word) and word not in known) for word in rows["shop"]]
    assert got["unseen"][:, 0].tolist() == expected


def test_missing_words_that_were_fitted_are_a_category(parts: Parts) -> None:
    fit, rows = parts[0].copy(), parts[1].copy()
    fit.loc[2:4, "shop"] = None
    rows.loc[2:4, "shop"] = None
    steps = [("photo", Remembered(), ["path"]), ("words", OneHotEncoder(), ["shop"])]
    pipeline = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(fit, fit["kind"])
    taken, got, features = tail_answers(pipeline, rows)
    gates.check_steps(taken, got, rows, features)
    assert taken.columns["shop"].described(None).missing == "token"


def test_missing_words_may_be_the_rare_ones(parts: Parts) -> None:
    fit, rows = parts[0].copy(), parts[1].copy()
    fit.loc[2, "shop"] = rows.loc[2, "shop"] = None
    fit["shop"] = fit["shop"].replace("Köln", "Rome")
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=2)
    steps = [("photo", Remembered(), ["path"]), ("words", encoder, ["shop"])]
    pipeline = make_pipeline(ColumnTransformer(steps), LogisticRegression()).fit(fit, fit["kind"])
    assert pd.isna(pipeline[0].named_transformers_["words"].infrequent_categories_[0]).tolist() == [
        True
    ]
    taken, got, features = tail_answers(pipeline, rows)
    gates.check_steps(taken, got, rows, features)
