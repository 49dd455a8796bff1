"""Final estimators: what scikit-learn's own classes compute, as nodes, and what they answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from edgefeat_export.attaching.answering import LABEL, PROBABILITIES, VALUE, HeadAnswer
from edgefeat_export.attaching.calibrated import add_calibrated, column
from edgefeat_export.attaching.neighbours import add_neighbours
from edgefeat_export.attaching.of_lightgbm import LIGHTGBM, add_lightgbm
from edgefeat_export.attaching.of_xgboost import XGBOOST, add_xgboost
from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.tail import Matrix, TailGraph
from edgefeat_export.attaching.trees import add_boosted, add_forest, add_hist_boosted
from edgefeat_export.attaching.vectors import add_vector_probabilities, add_votes

__all__ = ["KNOWN_ESTIMATORS", "TAKE_NAN", "add_estimator"]

_VECTORS_MAX = 1e-4  # float32 inside, and steps that end before they are exact
_LINEAR_CLASSIFIERS = ("LogisticRegression", "LogisticRegressionCV")
_MARGIN_CLASSIFIERS = ("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron")
_LINEAR_REGRESSORS = (
    *("ElasticNet", "ElasticNetCV", "Lasso", "LassoCV", "LinearRegression", "LinearSVR"),
    *("Ridge", "RidgeCV"),
)
_FORESTS = ("DecisionTree", "ExtraTree", "ExtraTrees", "RandomForest")
TREES = tuple(f"{name}{kind}" for name in _FORESTS for kind in ("Classifier", "Regressor"))
_BOOSTED = ("GradientBoostingClassifier", "GradientBoostingRegressor")
_HIST = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
_NEIGHBOURS = ("KNeighborsClassifier", "KNeighborsRegressor")
_PERCEPTRONS = ("MLPClassifier", "MLPRegressor")
KNOWN_ESTIMATORS = tuple(
    sorted(
        (
            *_LINEAR_CLASSIFIERS,
            *_MARGIN_CLASSIFIERS,
            *_LINEAR_REGRESSORS,
            *TREES,
            *_BOOSTED,
            *_HIST,
            *_NEIGHBOURS,
            *_PERCEPTRONS,
            *LIGHTGBM,
            *XGBOOST,
            "CalibratedClassifierCV",
            "SVC",
            "VotingClassifier",
        )
    )
)
"""Classes that a file can end with."""
_WITH_SHARES = {
    *(*_LINEAR_CLASSIFIERS, *TREES, *_BOOSTED, *_HIST, *_NEIGHBOURS, *_PERCEPTRONS),
    *(LIGHTGBM[0], XGBOOST[0]),
}
TAKE_NAN = (*TREES, *_HIST, *LIGHTGBM, *XGBOOST)
"""Those to which a missing number may come."""


def add_estimator(tail: TailGraph, model: Any, matrix: Matrix) -> HeadAnswer:
    """Add a fitted estimator, and the outputs `label` and `probabilities`, or `value`.

    Args:
        tail: The graph.
        model: One of `KNOWN_ESTIMATORS`.
        matrix: The rows.

    Raises:
        ConversionError: It is another class, or has an option that is not known.
    """
    kind = class_of(model)
    if kind not in KNOWN_ESTIMATORS:
        raise refusal(
            f"{kind} cannot end a file; known are {', '.join(KNOWN_ESTIMATORS)}",
            where=tail.where,
            remedy="Fit one of these.",
        )
    if model.n_features_in_ != matrix.width:
        raise refusal(
            f"{kind} was fitted on {model.n_features_in_} numbers, the steps before it give "
            f"{matrix.width}",
            where=tail.where,
        )
    if not hasattr(model, "classes_"):
        _finish_value(tail, model, _number(tail, model, kind, matrix))
        return HeadAnswer(classes=None, has_probabilities=False)
    classes = _class_names(tail, model)
    if kind in _MARGIN_CLASSIFIERS:
        scores = _two_sided(tail, _linear(tail, model, matrix))
        _finish_label(tail, scores)
        return HeadAnswer(classes=classes, has_probabilities=False)
    if kind == "SVC":
        return _vectors(tail, model, matrix, classes)
    shares = _shares(tail, model, kind, matrix, len(classes))
    _finish_label(tail, shares)
    tail.add("Cast", [shares.name], attributes={"to": TensorProto.FLOAT}, to=PROBABILITIES)
    return HeadAnswer(classes=classes, has_probabilities=True)


def _vectors(tail: TailGraph, model: Any, matrix: Matrix, classes: tuple[str, ...]) -> HeadAnswer:
    """Add a support vector classifier, whose label does not come from its probabilities."""
    _finish_label(tail, add_votes(tail, model, matrix))
    has = bool(model.probability) and hasattr(model, "predict_proba")
    if has:
        shares = add_vector_probabilities(tail, model, matrix)
        tail.add("Cast", [shares.name], attributes={"to": TensorProto.FLOAT}, to=PROBABILITIES)
    return HeadAnswer(classes=classes, has_probabilities=has, probability_max=_VECTORS_MAX)


def _class_names(tail: TailGraph, model: Any) -> tuple[str, ...]:
    if isinstance(model.classes_, list):
        raise refusal("several labels for a row are not known", where=tail.where)
    names = tuple(str(one) for one in model.classes_)
    if len(names) < 2 or len(set(names)) != len(names):
        raise refusal(f"expected classes of different names, got {list(names)}", where=tail.where)
    return names


def _number(tail: TailGraph, model: Any, kind: str, matrix: Matrix) -> Matrix:
    if kind in _LINEAR_REGRESSORS:
        return _linear(tail, model, matrix)
    if kind in _PERCEPTRONS:
        return _perceptron(tail, model, matrix)
    if kind in _NEIGHBOURS:
        return add_neighbours(tail, model, matrix, 1)
    if kind in _BOOSTED:
        return add_boosted(tail, model, matrix)
    if kind in _HIST:
        raw = add_hist_boosted(tail, model, matrix)
        if model.loss not in ("squared_error", "absolute_error", "quantile"):
            return Matrix(tail.add("Exp", [raw.name]), raw.width)  # poisson and gamma
        return raw
    if kind in LIGHTGBM:
        return add_lightgbm(tail, model, matrix)
    if kind in XGBOOST:
        return add_xgboost(tail, model, matrix)
    if model.n_outputs_ != 1:
        raise refusal("several numbers for a row are not known", where=tail.where)
    return add_forest(tail, model, matrix, 1)


def _shares(tail: TailGraph, model: Any, kind: str, matrix: Matrix, count: int) -> Matrix:
    """Add what gives probabilities: float64 `(N, K)`."""
    if kind in TREES:
        return add_forest(tail, model, matrix, count)
    if kind in _NEIGHBOURS:
        return add_neighbours(tail, model, matrix, count)
    if kind == "CalibratedClassifierCV":
        return add_calibrated(tail, model, matrix, count, _decisions)
    if kind == "VotingClassifier":
        return _voted(tail, model, matrix, count)
    raw = _scores(tail, model, kind, matrix, count)
    if raw.width > 1:
        return Matrix(tail.add("Softmax", [raw.name], attributes={"axis": -1}), raw.width)
    return _of_two(tail, raw)


def _voted(tail: TailGraph, model: Any, matrix: Matrix, count: int) -> Matrix:
    """Add the mean of the probabilities of several estimators."""
    if model.voting != "soft":
        raise refusal("VotingClassifier(voting='hard') is not known", where=tail.where)
    used = model.estimators_
    weights = np.ones(len(used)) if model.weights is None else model._weights_not_none
    parts = []
    for one, weight in zip(used, weights, strict=True):
        kind = class_of(one)
        if kind not in _WITH_SHARES:
            raise refusal(
                f"{kind} cannot vote in the file; known are {', '.join(sorted(_WITH_SHARES))}",
                where=tail.where,
            )
        parts.append(tail.apply("Mul", _shares(tail, one, kind, matrix, count), float(weight)))
    total = parts[0]
    for part in parts[1:]:
        total = Matrix(tail.add("Add", [total.name, part.name]), count)
    return tail.apply("Div", total, float(np.sum(weights)))


def _decisions(tail: TailGraph, model: Any, matrix: Matrix, count: int) -> Matrix:
    """Add what an estimator is calibrated by: `(N, 1)` of two classes, else `(N, K)`."""
    kind = class_of(model)
    if len(model.classes_) != count:
        raise refusal(f"a {kind} inside never saw some of the classes", where=tail.where)
    if kind in _MARGIN_CLASSIFIERS:
        return _linear(tail, model, matrix)
    if kind in (*_LINEAR_CLASSIFIERS, *_BOOSTED, *_HIST):
        return _scores(tail, model, kind, matrix, count)
    if kind in _WITH_SHARES:
        shares = _shares(tail, model, kind, matrix, count)
        return column(tail, shares, 1) if count == 2 else shares
    raise refusal(f"CalibratedClassifierCV of {kind} is not known", where=tail.where)


def _scores(tail: TailGraph, model: Any, kind: str, matrix: Matrix, count: int) -> Matrix:
    """Add what softmax, or of two classes the sigmoid, makes probabilities of."""
    if kind in _LINEAR_CLASSIFIERS:
        if getattr(model, "solver", "") == "liblinear" and count > 2:
            raise refusal(f"{kind}(solver='liblinear') of several classes", where=tail.where)
        if getattr(model, "multi_class", "deprecated") == "ovr":
            raise refusal(f"{kind}(multi_class='ovr') is not known", where=tail.where)
        raw = _linear(tail, model, matrix)
    elif kind in _PERCEPTRONS:
        raw = _perceptron(tail, model, matrix)
        if model.out_activation_ == "logistic" and raw.width > 1:
            raise refusal("several labels for a row are not known", where=tail.where)
    elif kind in _BOOSTED:
        if model.loss != "log_loss":
            raise refusal(f"{kind}(loss={model.loss!r}) is not known", where=tail.where)
        raw = add_boosted(tail, model, matrix)
    elif kind in LIGHTGBM:
        raw = add_lightgbm(tail, model, matrix)
    elif kind in XGBOOST:
        raw = add_xgboost(tail, model, matrix)
    else:
        raw = add_hist_boosted(tail, model, matrix)
    return raw


def _of_two(tail: TailGraph, raw: Matrix) -> Matrix:
    """Return the probabilities of two classes from the score of the second."""
    second = Matrix(tail.add("Sigmoid", [raw.name]), 1)
    first = Matrix(tail.add("Sub", [tail.constant(1.0), second.name]), 1)
    return tail.side_by_side([first, second])


def _two_sided(tail: TailGraph, raw: Matrix) -> Matrix:
    """Return a score for each class; of two classes the first has 0."""
    if raw.width > 1:
        return raw
    zero = Matrix(tail.add("Mul", [raw.name, tail.constant(0.0)]), 1)
    return tail.side_by_side([zero, raw])


def _linear(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    weights = np.atleast_2d(np.asarray(model.coef_, np.float64))
    bias = np.broadcast_to(np.asarray(model.intercept_, np.float64), (len(weights),))
    return tail.linear(matrix, weights.T, bias)


def _perceptron(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    activation = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "identity": None}
    last = len(model.coefs_) - 1
    for at, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        matrix = tail.linear(matrix, np.asarray(weights, np.float64), np.asarray(bias, np.float64))
        operation = activation[model.activation]
        if at < last and operation is not None:
            matrix = Matrix(tail.add(operation, [matrix.name]), matrix.width)
    return matrix


def _finish_label(tail: TailGraph, scores: Matrix) -> None:
    tail.add("ArgMax", [scores.name], attributes={"axis": 1, "keepdims": 0}, to=LABEL)


def _finish_value(tail: TailGraph, model: Any, number: Matrix) -> None:
    if number.width != 1:
        raise refusal("several numbers for a row are not known", where=tail.where)
    tail.add("Cast", [number.name], attributes={"to": TensorProto.FLOAT}, to=VALUE)
