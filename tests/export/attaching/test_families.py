"""Estimators behind a model: answers equal to scikit-learn's, features equal to the model's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

import edgefeat
from edgefeat.engine.cpu import open_session, session_options
from edgefeat.model.file import read_model_file
from edgefeat.sklearn import ImageFeatures
from edgefeat_export import attach
from head_pipelines import columns, imputed, small_photo

Parts = tuple[Any, Any]


FAMILIES: dict[str, Any] = {
    "logistic": lambda: (columns(imputed()), LogisticRegression(max_iter=300)),
    "indicator": lambda: (columns(imputed(add_indicator=True)), LogisticRegression(max_iter=300)),
    "pca": lambda: (columns(imputed()), StandardScaler(), PCA(5), LogisticRegression(max_iter=300)),
    "forest": lambda: (columns(imputed()), RandomForestClassifier(9, random_state=0)),
    "forest with gaps": lambda: (columns("passthrough"), RandomForestClassifier(9, random_state=0)),
    "extra trees": lambda: (columns(imputed()), ExtraTreesClassifier(9, random_state=0)),
    "tree": lambda: (columns(imputed()), DecisionTreeClassifier(random_state=0)),
    "boosted": lambda: (columns(imputed()), GradientBoostingClassifier(n_estimators=3)),
    "histograms": lambda: (
        columns("passthrough"),
        HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2),
    ),
    "perceptron": lambda: (
        columns(imputed()),
        StandardScaler(),
        MLPClassifier((6,), max_iter=2000, random_state=0),
    ),
    "neighbours": lambda: (columns(imputed()), KNeighborsClassifier(3)),
    "vectors": lambda: (columns(imputed()), SVC(probability=True, random_state=0)),
    "polynomials": lambda: (columns(imputed()), SVC(kernel="poly", degree=2)),
    "margins": lambda: (columns(imputed()), LinearSVC()),
    "reduced photo": lambda: (
        ColumnTransformer([("photo", small_photo(), ["path"]), ("rest", "passthrough", ["when"])]),
        MinMaxScaler(),
        LogisticRegression(),
    ),
}


ONE_OF_EACH = (
    "logistic",
    "indicator",
    "forest with gaps",
    "histograms",
    "vectors",
    "reduced photo",
)


@pytest.mark.parametrize(
    "family",
    [
        name if name in ONE_OF_EACH else pytest.param(name, marks=pytest.mark.full)
        for name in FAMILIES
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_a_family_answers_as_in_scikit_learn(
    family: str, parts: Parts, model: str, out: Path
) -> None:
    fit, rows = parts
    pipeline = make_pipeline(*FAMILIES[family]()).fit(fit, fit["kind"])
    done = attach(pipeline, model, rows, out)
    assert done.rows == len(rows)
    assert done.differences["label"] == 0
    assert done.differences.get("probabilities", 0) < (1e-4 if family == "vectors" else 1e-6)
    spec = read_model_file(out).spec
    assert spec.outputs[1].classes == ("chelsea", "coffee", "rocket")
    with edgefeat.FeatureExtractor(model) as before:
        assert spec.features_fingerprint == before.fingerprint
        vector = before.extract(rows["path"][0])
        pixels = before.prepare(rows["path"][0])[np.newaxis]
    feeds: dict[str, Any] = {"image": pixels}
    for name in done.columns:
        value = rows[name][0]
        kind = object if isinstance(value, str) else np.float64
        feeds[name] = np.array([[value]], dtype=kind)
    got = open_session(str(out), session_options()).run(None, feeds)
    assert got[0][0].tobytes() == vector.tobytes()
    assert spec.outputs[1].classes[got[1][0]] == pipeline.predict(rows[:1])[0]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_pca_costs_a_linear_model_nothing(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    line, other = LogisticRegression(), LogisticRegression(C=0.1)
    heads = {
        "without": (line,),
        "with": (PCA(12, whiten=True), line),
        "two": (PCA(12), PCA(5), line),
        "read twice": (PCA(12), VotingClassifier([("a", line), ("b", other)], voting="soft")),
    }
    products = {}
    for name, steps in heads.items():
        attach(make_pipeline(columns(imputed()), *steps).fit(fit, fit["kind"]), model, rows, out)
        nodes = [one for one in onnx.load(out).graph.node if one.name.startswith("attached/")]
        products[name] = [one.op_type for one in nodes].count("Gemm")
    assert products == {"without": 1, "with": 1, "two": 1, "read twice": 3}


def test_the_predictor_takes_a_photo_and_a_row(parts: Parts, model: str, out: Path) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), LogisticRegression()).fit(fit, fit["kind"])
    attach(pipeline, model, rows, out)
    wanted = pipeline.predict_proba(rows)
    with edgefeat.Predictor(out) as predictor:
        for number in range(len(rows)):
            row = rows[["width", "price", "shop"]].iloc[number].to_dict()
            said = predictor.predict(rows["path"][number], row)
            assert said.label == pipeline.predict(rows)[number]
            assert said.probabilities is not None
            assert list(said.probabilities.values()) == pytest.approx(wanted[number], abs=1e-6)
        assert predictor.self_test()


@pytest.mark.parametrize(
    "model_of_numbers",
    [
        Ridge(),
        pytest.param(KNeighborsRegressor(3), marks=pytest.mark.full),
        pytest.param(RandomForestRegressor(5, random_state=0), marks=pytest.mark.full),
        pytest.param(
            HistGradientBoostingRegressor(max_iter=4, min_samples_leaf=2), marks=pytest.mark.full
        ),
    ],
    ids=["ridge", "neighbours", "forest", "histograms"],
)
def test_a_number_is_answered_too(
    model_of_numbers: Any, parts: Parts, model: str, out: Path
) -> None:
    fit, rows = parts
    pipeline = make_pipeline(columns(imputed()), model_of_numbers).fit(fit, fit["width"])
    done = attach(pipeline, model, rows, out)
    assert done.differences["value"] < 1e-3
    assert [one.name for one in read_model_file(out).spec.outputs] == ["features", "value"]


@pytest.mark.parametrize("steps", [(), (PCA(8),), (PCA(8, whiten=True), StandardScaler())], ids=str)
def test_photos_alone_need_no_columns(
    steps: tuple[Any, ...], parts: Parts, model: str, out: Path
) -> None:
    fit, rows = parts
    chain = make_pipeline(ImageFeatures(), *steps, LogisticRegression())
    pipeline = chain.fit(list(fit.path), fit.kind)  # float32 all the way to the last step
    done = attach(pipeline, model, [{"path": path} for path in rows.path], out)
    assert (done.columns, done.rows) == ((), len(rows))


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        SVC(probability=True, random_state=0),
        pytest.param(GradientBoostingClassifier(n_estimators=2), marks=pytest.mark.full),
        pytest.param(MLPClassifier((4,), max_iter=2000), marks=pytest.mark.full),
    ],
    ids=["logistic", "vectors", "boosted", "perceptron"],
)
@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_two_classes_of_numbers_become_names(
    estimator: Any, parts: Parts, model: str, out: Path
) -> None:
    fit, rows = parts
    truth = (fit["kind"] == "rocket").astype(int)
    pipeline = make_pipeline(columns(imputed()), estimator).fit(fit, truth)
    assert attach(pipeline, model, rows, out).classes == ("0", "1")
