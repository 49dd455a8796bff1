"""Final estimators: what scikit-learn's own classes compute, as nodes, and what they answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from edgefeat_export.attaching import kinds
from edgefeat_export.attaching.answering import (
    LABEL,
    PROBABILITIES,
    PROBABILITY_MAX,
    VALUE,
    HeadAnswer,
)
from edgefeat_export.attaching.calibrated import add_calibrated
from edgefeat_export.attaching.ensembles import (
    Within,
    add_hard_votes,
    add_mean,
    add_soft_votes,
    add_stack,
)
from edgefeat_export.attaching.linear import add_linear, add_perceptron
from edgefeat_export.attaching.neighbours import add_neighbours
from edgefeat_export.attaching.of_lightgbm import LIGHTGBM, add_lightgbm
from edgefeat_export.attaching.of_xgboost import XGBOOST, add_xgboost
from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.steps import steps_of, translate_step
from edgefeat_export.attaching.tail import Matrix, TailGraph
from edgefeat_export.attaching.trees import add_boosted, add_forest, add_hist_boosted
from edgefeat_export.attaching.two_classes import below_zero, of_two, two_sided
from edgefeat_export.attaching.vectors import add_decisions, add_vector_probabilities, add_votes

__all__ = ["add_estimator"]

_VECTORS_MAX = 1e-4  # float32 inside, and steps that end before they are exact


def add_estimator(tail: TailGraph, model: Any, matrix: Matrix) -> HeadAnswer:
    """Add a fitted estimator, and the outputs `label` and `probabilities`, or `value`.

    Args:
        tail: The graph.
        model: One of `kinds.KNOWN_ESTIMATORS`.
        matrix: The rows.

    Raises:
        ConversionError: It is another class, or has an option that is not known.
    """
    if not hasattr(model, "classes_"):
        _finish_numbers(tail, _number(tail, model, matrix), VALUE)
        return HeadAnswer(classes=None, has_probabilities=False)
    last, rows = _opened(tail, model, matrix)
    classes = _class_names(tail, model)
    if not kinds.has_shares(last):
        _finish_label(tail, _label_scores(tail, last, rows))
        return HeadAnswer(classes=classes, has_probabilities=False)
    near = _VECTORS_MAX if class_of(last) == "SVC" else PROBABILITY_MAX
    if class_of(last) == "SVC":  # its label does not come from its probabilities
        shares, scores = add_vector_probabilities(tail, last, rows), add_votes(tail, last, rows)
    else:
        shares, scores = _shares_and_scores(tail, last, rows)
    _finish_label(tail, scores)
    _finish_numbers(tail, shares, PROBABILITIES)
    return HeadAnswer(classes=classes, has_probabilities=True, probability_max=near)


def _opened(tail: TailGraph, model: Any, matrix: Matrix) -> tuple[Any, Matrix]:
    """Return the estimator that answers, and what it takes: behind a pipeline's steps or a stack.

    Raises:
        ConversionError: It, or what stands before it, is not known.
    """
    while True:
        kind = class_of(model)
        if kind == "Pipeline":
            *before, model = steps_of(model)
            for step in before:
                matrix = translate_step(tail, step, matrix)
            continue
        if kind == "FrozenEstimator":
            model = model.estimator
            continue
        _require_known(tail, model, matrix)
        if not kinds.takes_nan(model):
            tail.guard(matrix)
        if kind not in kinds.STACKS:
            return model, matrix
        matrix, model = add_stack(tail, model, matrix, _WITHIN), model.final_estimator_


def _require_known(tail: TailGraph, model: Any, matrix: Matrix) -> None:
    kind = class_of(model)
    if kind not in kinds.KNOWN_ESTIMATORS:
        raise refusal(
            f"{kind} cannot be put into a file; known are {', '.join(kinds.KNOWN_ESTIMATORS)}",
            where=tail.where,
            remedy="Fit one of these.",
        )
    expected = getattr(model, "n_features_in_", matrix.width)  # some ensembles do not tell
    if expected != matrix.width:
        raise refusal(
            f"{kind} was fitted on {expected} numbers, the steps before it give {matrix.width}",
            where=tail.where,
        )


def _class_names(tail: TailGraph, model: Any) -> tuple[str, ...]:
    if isinstance(model.classes_, list):
        raise refusal("several labels for a row are not known", where=tail.where)
    names = tuple(str(one) for one in model.classes_)
    if len(names) < 2 or len(set(names)) != len(names):
        raise refusal(f"expected classes of different names, got {list(names)}", where=tail.where)
    return names


def _number(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add the number that a regressor gives: float64 `(N, 1)`."""
    last, rows = _opened(tail, model, matrix)
    kind = class_of(last)
    if kind in kinds.LINEAR_REGRESSORS:
        number = add_linear(tail, last, rows)
    elif kind in kinds.PERCEPTRONS:
        number = add_perceptron(tail, last, rows)
        if last.out_activation_ == "exp":  # for the loss 'poisson'
            number = Matrix(tail.add("Exp", [number.name]), number.width)
    elif kind in kinds.NEIGHBOURS:
        number = add_neighbours(tail, last, rows, 1)
    elif kind in kinds.BOOSTED:
        number = add_boosted(tail, last, rows)
    elif kind in kinds.HIST:
        number = add_hist_boosted(tail, last, rows)
        if last.loss not in ("squared_error", "absolute_error", "quantile"):
            number = Matrix(tail.add("Exp", [number.name]), number.width)  # poisson and gamma
    elif kind in LIGHTGBM:
        number = add_lightgbm(tail, last, rows)
    elif kind in XGBOOST:
        number = add_xgboost(tail, last, rows)
    elif kind in kinds.VOTES:
        number = add_mean(tail, last, rows, _WITHIN)
    elif last.n_outputs_ != 1:
        raise refusal("several numbers for a row are not known", where=tail.where)
    else:
        number = add_forest(tail, last, rows, 1)
    if number.width != 1:
        raise refusal("several numbers for a row are not known", where=tail.where)
    return number


def _shares(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add the probabilities that a classifier gives: float64 `(N, K)`."""
    shares, _ = _shares_and_scores(tail, model, matrix)
    return shares


def _shares_and_scores(tail: TailGraph, model: Any, matrix: Matrix) -> tuple[Matrix, Matrix]:
    """Add probabilities, and numbers of which the largest belongs to the label.

    Returns:
        Twice float64 `(N, K)`; mostly the same.

    Raises:
        ConversionError: It gives no probabilities, or only within 1e-4.
    """
    last, rows = _opened(tail, model, matrix)
    kind, count = class_of(last), len(last.classes_)
    if not kinds.has_shares(last) or kind == "SVC":
        raise refusal(
            f"the probabilities of {kind} are asked for, which has none that are exact",
            where=tail.where,
            remedy="Put CalibratedClassifierCV around it.",
        )
    if count < 2:
        raise refusal(f"a {kind} that was fitted on one class alone", where=tail.where)
    if kind in kinds.TREES:
        shares = add_forest(tail, last, rows, count)
    elif kind in kinds.NEIGHBOURS:
        shares = add_neighbours(tail, last, rows, count)
    elif kind == "CalibratedClassifierCV":
        shares = add_calibrated(tail, last, rows, count, _responses)
    elif kind == "VotingClassifier":
        shares = add_soft_votes(tail, last, rows, _WITHIN)
    else:
        raw = _scores(tail, last, kind, rows, count)
        if raw.width == 1:
            shares = of_two(tail, raw)
            return shares, below_zero(tail, raw) if kind in kinds.BOOSTED else shares
        shares = Matrix(tail.add("Softmax", [raw.name], attributes={"axis": -1}), raw.width)
    return shares, shares


def _decisions(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add what `decision_function` gives: `(N, 1)` of two classes, else `(N, K)`."""
    last, rows = _opened(tail, model, matrix)
    kind = class_of(last)
    if kind == "SVC":
        return add_decisions(tail, last, rows)
    if kind in (*kinds.MARGIN_CLASSIFIERS, *kinds.LINEAR_CLASSIFIERS):
        return _margins(tail, last, rows)
    if not kinds.has_decisions(kind):
        raise refusal(f"the decisions of {kind} are asked for, which has none", where=tail.where)
    return _scores(tail, last, kind, rows, len(last.classes_))


def _responses(tail: TailGraph, model: Any, matrix: Matrix, count: int) -> tuple[Matrix, bool]:
    """Add what an estimator is calibrated by; return it, and whether it is probabilities."""
    last, rows = _opened(tail, model, matrix)
    if len(last.classes_) != count:
        raise refusal(
            f"a {class_of(last)} inside never saw some of the classes",
            where=tail.where,
            remedy="Fit it with fewer folds, or on more rows of the rare classes.",
        )
    if kinds.has_decisions(class_of(last)):
        return _decisions(tail, last, rows), False
    return _shares(tail, last, rows), True


def _margins(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add a linear model's distances: `(N, 1)` of two classes, else `(N, K)`."""
    raw, count = add_linear(tail, model, matrix), len(model.classes_)
    asked = getattr(getattr(model, "_label_binarizer", None), "y_type_", "")  # RidgeClassifier's
    if raw.width != (1 if count == 2 else count) or asked.startswith("multilabel"):
        raise refusal("several labels for a row are not known", where=tail.where)
    return raw


def _label_scores(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add numbers of which the largest belongs to the label: float64 `(N, K)`."""
    last, rows = _opened(tail, model, matrix)
    kind = class_of(last)
    if kind == "SVC":
        return add_votes(tail, last, rows)
    if kind == "VotingClassifier" and last.voting == "hard":
        return add_hard_votes(tail, last, rows, _WITHIN)
    if kind in kinds.MARGIN_CLASSIFIERS:
        return two_sided(tail, _margins(tail, last, rows))
    _, scores = _shares_and_scores(tail, last, rows)
    return scores


def _label(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add the place of the class that a classifier answers: float64 `(N, 1)`."""
    scores = _label_scores(tail, model, matrix)
    place = tail.add("ArgMax", [scores.name], attributes={"axis": 1, "keepdims": 1})
    return Matrix(tail.double(place), 1)


def _scores(tail: TailGraph, model: Any, kind: str, matrix: Matrix, count: int) -> Matrix:
    """Add what softmax, or of two classes the sigmoid, makes probabilities of."""
    if kind in kinds.LINEAR_CLASSIFIERS:
        if getattr(model, "solver", "") == "liblinear" and count > 2:
            raise refusal(f"{kind}(solver='liblinear') of several classes", where=tail.where)
        how = getattr(model, "multi_class", "deprecated")  # gone since scikit-learn 1.8
        if how == "ovr" and count > 2:
            raise refusal(f"{kind}(multi_class='ovr') is not known", where=tail.where)
        raw = add_linear(tail, model, matrix)
        if how == "multinomial" and count == 2:
            return tail.side_by_side([tail.apply("Mul", raw, -1.0), raw])
        return raw
    if kind in kinds.PERCEPTRONS:
        raw = add_perceptron(tail, model, matrix)
        if model.out_activation_ == "logistic" and raw.width > 1:
            raise refusal("several labels for a row are not known", where=tail.where)
        return raw
    if kind in kinds.BOOSTED:
        if model.loss != "log_loss":
            raise refusal(f"{kind}(loss={model.loss!r}) is not known", where=tail.where)
        return add_boosted(tail, model, matrix)
    if kind in LIGHTGBM:
        return add_lightgbm(tail, model, matrix)
    if kind in XGBOOST:
        return add_xgboost(tail, model, matrix)
    return add_hist_boosted(tail, model, matrix)


def _finish_label(tail: TailGraph, scores: Matrix) -> None:
    """Add the label's place, int64 `(N,)`; -1 where a step made NaN."""
    guard, attributes = tail.guarded(), {"axis": 1, "keepdims": 0}
    if guard is None:
        tail.add("ArgMax", [scores.name], attributes=attributes, to=LABEL)
        return
    place = tail.add("ArgMax", [scores.name], attributes=attributes)
    broken = tail.add("Squeeze", [tail.add("IsNaN", [guard]), tail.constant([1], np.int64)])
    tail.add("Where", [broken, tail.constant([-1], np.int64), place], to=LABEL)


def _finish_numbers(tail: TailGraph, numbers: Matrix, to: str) -> None:
    """Add an output of float32; NaN where a step made NaN."""
    guard, name = tail.guarded(), numbers.name
    if guard is not None:
        name = tail.add("Add", [name, guard])
    tail.add("Cast", [name], attributes={"to": TensorProto.FLOAT}, to=to)


_WITHIN = Within(shares=_shares, decisions=_decisions, label=_label, number=_number)
