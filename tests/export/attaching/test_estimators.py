"""Estimators on numbers alone: as scikit-learn's own on many rows, gaps and twins among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from edgefeat_export.errors import ConversionError
from head_pipelines import answers_on

Rows = NDArray[np.float64]
LINE, TREE = LogisticRegression(), DecisionTreeClassifier(max_depth=4, random_state=0)
FOREST = RandomForestClassifier(8, max_depth=5, random_state=0)
NETWORK = MLPClassifier((4,), max_iter=9, random_state=0)


def rows_of(count: int, seed: int, *, gaps: bool = False) -> Rows:
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(count, 5))
    rows[:, 3] = draw.integers(0, 4, count)
    if gaps:
        rows[draw.random(rows.shape) < 0.1] = np.nan
    return rows


def kinds_of(rows: Rows, classes: int) -> NDArray[np.int64]:
    score = np.nan_to_num(rows[:, 0] - rows[:, 1] * np.sign(rows[:, 2]))
    return np.digitize(score, np.linspace(-1, 1, classes - 1)).astype(np.int64)


CLASSIFIERS: dict[str, Any] = {
    "calibrated line": CalibratedClassifierCV(LINE, cv=3),
    "calibrated margins": CalibratedClassifierCV(LinearSVC(random_state=0), cv=3),
    "calibrated forest": CalibratedClassifierCV(FOREST, cv=2),
    "calibrated boosting": CalibratedClassifierCV(HistGradientBoostingClassifier(max_iter=4), cv=2),
    "isotonic line": CalibratedClassifierCV(LINE, method="isotonic", cv=2),
    "isotonic tree": CalibratedClassifierCV(TREE, method="isotonic", cv=2),
    "one calibration for all": CalibratedClassifierCV(LINE, cv=3, ensemble=False),
    "weighted neighbours": KNeighborsClassifier(4, weights="distance"),
    "votes": VotingClassifier([("l", LINE), ("f", FOREST)], voting="soft"),
    "weighted votes": VotingClassifier(
        [("l", LINE), ("t", TREE), ("none", "drop"), ("m", NETWORK)],
        voting="soft",
        weights=[2, 1, 9, 0.5],
    ),
    "calibrated vectors": CalibratedClassifierCV(make_pipeline(StandardScaler(), SVC()), cv=3),
    "calibrated network": CalibratedClassifierCV(NETWORK, method="isotonic", cv=2),
    "calibrated votes": CalibratedClassifierCV(
        VotingClassifier([("l", LINE), ("f", FOREST)], voting="soft"), cv=2
    ),
    "hard votes": VotingClassifier([("l", LINE), ("m", LinearSVC(random_state=0)), ("s", SVC())]),
    "weighted hard votes": VotingClassifier(
        [("f", FOREST), ("none", "drop"), ("s", SVC()), ("t", TREE)], weights=[1, 9, 1.5, 0.25]
    ),
    "stack": StackingClassifier([("l", LINE), ("t", TREE), ("f", FOREST)], cv=2),
    "stack of decisions": StackingClassifier(
        [("m", LinearSVC(random_state=0)), ("s", make_pipeline(StandardScaler(), SVC()))],
        final_estimator=KNeighborsClassifier(5),
        cv=2,
    ),
    "stack beside the rows": StackingClassifier(
        [("l", LINE), ("none", "drop"), ("v", VotingClassifier([("t", TREE), ("s", SVC())]))],
        final_estimator=make_pipeline(StandardScaler(), FOREST),
        cv=2,
        passthrough=True,
    ),
    "stack that ends in margins": StackingClassifier(
        [("l", LINE), ("t", TREE)], final_estimator=LinearSVC(random_state=0), cv=2
    ),
    "calibrated stack": CalibratedClassifierCV(
        StackingClassifier([("l", LINE), ("t", TREE)], final_estimator=LINE, cv=2), cv=2
    ),
    "votes with gaps": VotingClassifier(
        [("f", FOREST), ("h", HistGradientBoostingClassifier(max_iter=4))], voting="soft"
    ),
    "stack with gaps": StackingClassifier(
        [("f", FOREST), ("l", make_pipeline(SimpleImputer(), StandardScaler(), LINE))], cv=2
    ),
    "tree with gaps": DecisionTreeClassifier(random_state=0),
    "forest with gaps": RandomForestClassifier(8, random_state=0),
    "extra trees with gaps": ExtraTreesClassifier(8, random_state=0),
    "boosting with gaps": HistGradientBoostingClassifier(max_iter=6),
}


if "temperature" in CalibratedClassifierCV._parameter_constraints["method"][0].options:
    # scikit-learn 1.8 and newer
    for name, within in {"line": LINE, "forest": FOREST, "vectors": SVC()}.items():
        CLASSIFIERS[f"tempered {name}"] = CalibratedClassifierCV(within, method="temperature", cv=2)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("case", CLASSIFIERS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_classes_are_those_of_scikit_learn(case: str, classes: int) -> None:
    gaps = "gaps" in case
    fit = rows_of(300, 0, gaps=gaps)
    model = CLASSIFIERS[case].fit(fit, kinds_of(fit, classes))
    asked = np.concatenate([rows_of(1000, 1, gaps=gaps), fit[:50]])  # some it was fitted on
    got, wanted = answers_on(model, asked), model.predict(asked)
    assert ("probabilities" in got) is hasattr(model, "predict_proba")
    clear = np.full(len(asked), True)
    if "probabilities" in got:
        shares = model.predict_proba(asked)
        assert np.abs(got["probabilities"] - shares).max() < 1e-6
        *_, second, first = np.sort(shares, axis=1).T
        clear = first - second > 1e-6  # at a tie no answer is the right one
        assert clear.mean() > 0.7
    assert got["label"][clear].tolist() == wanted[clear].tolist()


REGRESSORS: dict[str, Any] = {
    "boosting from zero": GradientBoostingRegressor(n_estimators=5, init="zero"),
    "votes": VotingRegressor([("r", Ridge()), ("f", RandomForestRegressor(5, random_state=0))]),
    "weighted votes": VotingRegressor(
        [("r", Ridge()), ("none", "drop"), ("t", DecisionTreeRegressor(max_depth=3))],
        weights=[2, 9, 0.5],
    ),
    "stack": StackingRegressor([("r", Ridge()), ("t", DecisionTreeRegressor(max_depth=3))], cv=2),
    "stack beside the rows": StackingRegressor(
        [("r", make_pipeline(StandardScaler(), Ridge()))],
        final_estimator=RandomForestRegressor(5, random_state=0),
        cv=2,
        passthrough=True,
    ),
}


@pytest.mark.parametrize("case", REGRESSORS)
def test_numbers_of_ensembles_are_those_of_scikit_learn(case: str) -> None:
    fit, asked = rows_of(300, 0), rows_of(1000, 1)
    model = REGRESSORS[case].fit(fit, fit[:, 0] * fit[:, 1])
    got = answers_on(model, asked)["value"][:, 0]
    assert got == pytest.approx(model.predict(asked), rel=1e-5, abs=1e-6)


if "loss" in MLPRegressor().get_params():  # scikit-learn 1.7 and newer

    def test_a_network_of_counts_answers_with_its_exponential() -> None:
        fit, asked = rows_of(300, 0), rows_of(1000, 1)
        model = MLPRegressor(hidden_layer_sizes=(4,), loss="poisson", max_iter=2000, random_state=0)
        model.fit(fit, np.exp(fit[:, 0]))
        assert answers_on(model, asked)["value"][:, 0] == pytest.approx(
            model.predict(asked), rel=1e-5
        )


def test_a_classifier_that_is_fitted_already_is_calibrated() -> None:
    fit, asked = rows_of(300, 0), rows_of(1000, 1)
    line = make_pipeline(make_pipeline(StandardScaler(), PCA(3)), LINE).fit(fit, kinds_of(fit, 3))
    model = CalibratedClassifierCV(FrozenEstimator(line)).fit(fit, kinds_of(fit, 3))
    got = answers_on(model, asked)["probabilities"]
    assert np.abs(got - model.predict_proba(asked)).max() < 1e-6


@pytest.mark.parametrize(
    ("model", "second"),
    [(GradientBoostingClassifier(n_estimators=2), 1), (HistGradientBoostingClassifier(), 0)],
    ids=["boosting", "histograms"],
)
def test_a_score_of_zero_goes_where_scikit_learn_lets_it_go(model: Any, second: int) -> None:
    rows, truth = np.zeros((40, 2)), np.arange(40) % 2
    votes = VotingClassifier([("a", model), ("b", model)]).fit(rows, truth)
    for fitted in (model.fit(rows, truth), votes):
        assert fitted.predict(rows[:1]).tolist() == [second]
        assert answers_on(fitted, rows[:1])["label"].tolist() == [second]


NEAR, VECTORS = KNeighborsClassifier(5), SVC(gamma=0.1)


@pytest.mark.parametrize(
    ("model", "offset", "spread", "outlier"),
    [
        (NEAR, 1.7e9, 1, None),
        (NEAR, 1.7e9, 1e5, None),
        (NEAR, 0, 1, 1e12),
        (VECTORS, 1e6, 1, None),
        (VECTORS, 1.7e9, 1e5, None),
        (VECTORS, 0, 1, 1e12),
    ],
)
def test_what_all_points_share_takes_no_digits(
    model: Any, offset: float, spread: float, outlier: float | None
) -> None:
    fit, asked = rows_of(300, 0), rows_of(1000, 1)
    kinds = kinds_of(fit, 3)
    for rows in (fit, asked):
        rows[:, 4] = offset + spread * rows[:, 4]
    if outlier is not None:
        fit[7, 4] = outlier
    model.fit(fit, kinds)
    assert answers_on(model, asked)["label"].tolist() == model.predict(asked).tolist()


def test_names_that_a_fitted_classifier_answers_are_not_stacked() -> None:
    fit = rows_of(300, 0)
    names = np.array([10, 20, 30])[kinds_of(fit, 3)]
    votes = VotingClassifier([("l", LINE), ("t", TREE)]).fit(fit, names)
    stack = StackingClassifier([("v", votes)], cv="prefit").fit(fit, names)
    with pytest.raises(ConversionError, match="a fitted VotingClassifier answers names, which"):
        answers_on(stack, fit)


def test_numbers_of_weighted_neighbours_are_those_of_scikit_learn() -> None:
    fit = rows_of(300, 0)
    model = KNeighborsRegressor(4, weights="distance").fit(fit, fit[:, 0] * fit[:, 1])
    asked = np.concatenate([rows_of(1000, 1), fit[:50]])
    got = answers_on(model, asked)["value"][:, 0]
    assert got == pytest.approx(model.predict(asked), rel=1e-5, abs=1e-6)


REFUSED: dict[str, tuple[Any, str]] = {
    "votes of others": (
        VotingClassifier([("l", LINE), ("b", GaussianNB())], voting="soft"),
        "GaussianNB cannot be put into a file; known are ",
    ),
    "calibrated others": (
        CalibratedClassifierCV(GaussianNB(), cv=2),
        "GaussianNB cannot be put into a file; known are ",
    ),
    "steps within": (
        StackingClassifier([("s", make_pipeline(PowerTransformer(), LINE)), ("t", TREE)], cv=2),
        "PowerTransformer cannot be put into the file; known are ",
    ),
    "decisions of pairs": (
        CalibratedClassifierCV(SVC(decision_function_shape="ovo"), cv=2, ensemble=False),
        "SVC(decision_function_shape='ovo') as a part of another estimator: known is 'ovr'",
    ),
    "odd ones out": (
        IsolationForest(n_estimators=3),
        "IsolationForest cannot be put into a file; ",
    ),
    "categories in boosting": (
        HistGradientBoostingClassifier(max_iter=2, categorical_features=[3]),
        "(categorical_features=...) is not known",
    ),
    "weights by a function": (
        KNeighborsClassifier(3, weights=np.square),
        "known are weights 'uniform' and 'distance'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_right_is_refused_by_name(case: str) -> None:
    model, message = REFUSED[case]
    fit = rows_of(300, 0)
    with pytest.raises(ConversionError) as caught:
        answers_on(model.fit(fit, kinds_of(fit, 3)), fit[:5])
    assert message in str(caught.value)


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize(
    "model", [RidgeClassifier(), TREE, KNeighborsClassifier(), NETWORK], ids=str
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_labels_for_a_row_are_refused(model: Any, labels: int) -> None:
    fit = rows_of(30, 0)
    with pytest.raises(ConversionError, match="several labels for a row are not known"):
        answers_on(model.fit(fit, (fit[:, :labels] > 0).astype(int)), fit)


def test_a_tree_without_an_end_is_refused() -> None:
    fit = rows_of(300, 0)
    model = HistGradientBoostingClassifier(max_iter=2).fit(fit, kinds_of(fit, 2))
    model._predictors[0][0].nodes["left"][0] = 0
    with pytest.raises(ConversionError, match="a tree whose branches lead back or nowhere"):
        answers_on(model, fit)


def test_several_numbers_for_a_row_are_refused() -> None:
    fit = rows_of(30, 0)
    with pytest.raises(ConversionError, match="several numbers for a row are not known"):
        answers_on(Ridge().fit(fit, fit[:, :2]), fit)
