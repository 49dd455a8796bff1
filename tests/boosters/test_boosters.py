"""LightGBM and XGBoost behind a model: the same branches on awkward numbers, the same answers.

make test-boosters
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline
from xgboost import XGBClassifier, XGBRegressor

import edgefeat
from edgefeat.model.shipped import default_model, sample_photos
from edgefeat_export import attach
from edgefeat_export.errors import ConversionError
from head_pipelines import answers_on, columns

Rows = NDArray[np.float64]
WIDTH = 5
SMALL: dict[str, Any] = {"n_estimators": 12, "random_state": 0}
LIGHT: dict[str, Any] = {**SMALL, "verbose": -1, "min_child_samples": 3}


def numbers(count: int, seed: int = 0) -> Rows:
    """Rows with gaps, zeros, whole numbers and large ones."""
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(count, WIDTH))
    rows[:, 1] = draw.integers(-2, 3, count)
    rows[:, 2] = 1.7e9 + draw.integers(0, 10**8, count) / 7
    rows[:, 3] *= draw.random(count) < 0.5
    rows[draw.random(rows.shape) < 0.1] = np.nan
    rows[:, 4] = np.where(np.isnan(rows[:, 4]), 0.25, rows[:, 4])  # one column without gaps
    return rows


def truth(rows: Rows, classes: int) -> NDArray[np.int64]:
    score = np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 1]) - (rows[:, 2] % 7 > 3)
    return np.digitize(score, np.linspace(-1, 1, classes - 1)).astype(np.int64)


def awkward(rows: Rows) -> Rows:
    """Values of the rows, their neighbours in float32 and float64, zeros of both signs."""
    each = np.concatenate([column[:60] for column in (rows, np.nextafter(rows, np.inf))])
    single = rows[:60].astype(np.float32)
    near = np.concatenate([np.nextafter(single, np.float32(way)) for way in (-np.inf, np.inf)])
    special = np.array([[0.0], [-0.0], [1e-36], [-1e-36], [5e-324], [1e30], [-1e30], [np.nan]])
    return np.concatenate([each, near, single, np.repeat(special, WIDTH, axis=1)])


CLASSIFIERS: dict[str, Any] = {
    "lightgbm": LGBMClassifier(**LIGHT),
    "lightgbm, zeros for gaps": LGBMClassifier(**LIGHT, use_missing=False),
    "lightgbm, dart": LGBMClassifier(**LIGHT, boosting_type="dart"),
    "lightgbm, another sigmoid": LGBMClassifier(**LIGHT, sigmoid=0.7),
    "xgboost": XGBClassifier(**SMALL),
    "xgboost, exact": XGBClassifier(**SMALL, tree_method="exact", max_depth=4),
    "xgboost, forests": XGBClassifier(**SMALL, num_parallel_tree=3, subsample=0.7),
    "xgboost, a base": XGBClassifier(**SMALL, base_score=0.2),
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("case", CLASSIFIERS)
def test_classes_are_those_of_the_library(case: str, classes: int) -> None:
    fit = numbers(600)
    model = CLASSIFIERS[case].fit(fit, truth(fit, classes))
    asked = np.concatenate([numbers(1000, seed=1), awkward(fit)])
    got, wanted = answers_on(model, asked), model.predict_proba(asked)
    assert np.abs(got["probabilities"] - wanted).max() < 1e-6
    assert got["label"].tolist() == model.predict(asked).tolist()


REGRESSORS: dict[str, Any] = {
    "lightgbm": LGBMRegressor(**LIGHT),
    "lightgbm, median": LGBMRegressor(**LIGHT, objective="quantile", alpha=0.5),
    "lightgbm, counts": LGBMRegressor(**LIGHT, objective="poisson"),
    "xgboost": XGBRegressor(**SMALL),
    "xgboost, counts": XGBRegressor(**SMALL, objective="count:poisson"),
    "xgboost, shares": XGBRegressor(**SMALL, objective="reg:logistic"),
}


@pytest.mark.parametrize("case", REGRESSORS)
def test_numbers_are_those_of_the_library(case: str) -> None:
    fit = numbers(600)
    value = truth(fit, 5).astype(np.float64)
    model = REGRESSORS[case].fit(fit, value / 4 if "shares" in case else value)
    asked = np.concatenate([numbers(1000, seed=1), awkward(fit)])
    got = answers_on(model, asked)["value"][:, 0]
    assert got == pytest.approx(model.predict(asked), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("library", ["lightgbm", "xgboost"])
def test_a_fit_that_stopped_early_answers_with_its_best_trees(library: str) -> None:
    fit, judged = numbers(300), numbers(200, seed=2)
    kinds = truth(fit, 2), np.random.default_rng(3).integers(0, 2, 200)
    if library == "lightgbm":
        import lightgbm

        model: Any = LGBMClassifier(**{**LIGHT, "n_estimators": 60})
        stop = [lightgbm.early_stopping(3, verbose=False)]
        model.fit(fit, kinds[0], eval_X=judged, eval_y=kinds[1], callbacks=stop)
        best = model.best_iteration_
    else:
        model = XGBClassifier(**{**SMALL, "n_estimators": 60}, early_stopping_rounds=3)
        model.fit(fit, kinds[0], eval_set=[(judged, kinds[1])], verbose=False)
        best = model.best_iteration + 1
    assert 0 < best < 60
    got, wanted = answers_on(model, judged), model.predict_proba(judged)
    assert np.abs(got["probabilities"] - wanted).max() < 1e-6


def with_categories(kind: Any, **options: Any) -> Any:
    fit = pd.DataFrame(numbers(200)).rename(columns=str)
    fit["1"] = fit["1"].fillna(0).astype(int).astype("category")
    return kind(**options).fit(fit, truth(numbers(200), 2))


def on_numbers(model: Any, classes: int = 2) -> Any:
    fit = np.nan_to_num(numbers(200))
    return model.fit(fit, truth(fit, classes))


REFUSED: dict[str, tuple[Any, str]] = {
    "lightgbm, categories": (
        lambda: with_categories(LGBMClassifier, **LIGHT, min_data_per_group=1, cat_smooth=0),
        "LightGBM with a split by categories is not known. Encode these columns",
    ),
    "lightgbm, zeros": (
        lambda: on_numbers(LGBMClassifier(**LIGHT, zero_as_missing=True)),
        "LightGBM with zero_as_missing=True is not known. Mark what is missing as NaN",
    ),
    "lightgbm, linear leaves": (
        lambda: on_numbers(LGBMRegressor(**LIGHT, linear_tree=True)),
        "LightGBM with linear_tree=True is not known",
    ),
    "lightgbm, forests": (
        lambda: on_numbers(
            LGBMClassifier(**LIGHT, boosting_type="rf", bagging_freq=1, bagging_fraction=0.5)
        ),
        "or averaged trees is not known",
    ),
    "lightgbm, roots": (
        lambda: on_numbers(LGBMRegressor(**LIGHT, reg_sqrt=True)),
        "LightGBM with objective 'regression sqrt', or averaged trees is not known",
    ),
    "lightgbm, one against all": (
        lambda: on_numbers(LGBMClassifier(**LIGHT, objective="multiclassova"), 3),
        "LightGBM with objective 'multiclassova' is not known",
    ),
    "xgboost, categories": (
        lambda: with_categories(XGBClassifier, **SMALL, enable_categorical=True),
        "XGBoost with a split by categories is not known. Encode these columns",
    ),
    "xgboost, zeros": (
        lambda: on_numbers(XGBClassifier(**SMALL, missing=0.0)),
        "XGBoost with missing=0.0 is not known. Mark what is missing as NaN",
    ),
    "xgboost, dart": (
        lambda: on_numbers(XGBClassifier(**SMALL, booster="dart")),
        "XGBoost with booster='dart' is not known",
    ),
    "xgboost, lines": (
        lambda: on_numbers(XGBClassifier(**SMALL, booster="gblinear")),
        "XGBoost with booster='gblinear' is not known",
    ),
    "xgboost, hinges": (
        lambda: on_numbers(XGBClassifier(**SMALL, objective="binary:hinge")),
        "XGBoost with objective='binary:hinge' is not known",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_cannot_be_right_is_refused_by_name(case: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(ConversionError) as caught:
        answers_on(make(), numbers(10))
    assert message in str(caught.value)


@pytest.mark.parametrize("model", [LGBMClassifier(**LIGHT), XGBClassifier(**SMALL)])
def test_a_photo_and_columns_are_answered_in_one_file(model: Any, tmp_path: Path) -> None:
    draw, rows = np.random.default_rng(0), []
    for number in range(60):
        path = sample_photos()[number % 3]
        photo, place = cv2.imread(str(path)), tmp_path / f"{number}.png"
        assert photo is not None
        top, left = draw.integers(0, 100, 2)
        cv2.imwrite(str(place), photo[top : top + 140, left : left + 180])
        price = float("nan") if number % 5 == 3 else draw.normal()
        row = {"path": str(place), "kind": number % 3, "width": draw.normal(), "price": price}
        rows.append({**row, "shop": ("Rome", "Köln")[draw.integers(2)]})
    table = pd.DataFrame(rows)
    pipeline = make_pipeline(columns("passthrough"), model).fit(table[:48], table["kind"][:48])
    held = table[48:].reset_index(drop=True)
    done = attach(pipeline, default_model(), held, tmp_path / "out.onnx")
    assert done.differences["label"] == 0
    assert done.differences["probabilities"] < 1e-6
    with edgefeat.Predictor(tmp_path / "out.onnx") as predictor:
        assert predictor.self_test()
        said = predictor.predict(held["path"][0], {"width": 1, "price": None, "shop": "Rome"})
    asked = held[:1].assign(width=1.0, price=np.nan, shop="Rome")
    assert said.label == str(pipeline.predict(asked)[0])
