"""Estimators made of estimators: votes, means and stacks. `calibrated.py` has calibrated ones.

scikit-learn fits what is within on the places of classes, 0, 1 and so on, so it answers places.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["Within", "add_hard_votes", "add_mean", "add_soft_votes", "add_stack"]

Add = Callable[[TailGraph, Any, Matrix], Matrix]


@dataclass(frozen=True, slots=True)
class Within:
    """Adds what an estimator within another one answers; each raises where it cannot.

    Attributes:
        shares: Probabilities, float64 `(N, K)`.
        decisions: What `decision_function` gives: `(N, 1)` of two classes, else `(N, K)`.
        label: The place of the class, float64 `(N, 1)`.
        number: A number, float64 `(N, 1)`.
    """

    shares: Add
    decisions: Add
    label: Add
    number: Add


def add_soft_votes(tail: TailGraph, model: Any, matrix: Matrix, within: Within) -> Matrix:
    """Add the weighed mean of the probabilities of several classifiers: float64 `(N, K)`.

    Args:
        tail: The graph.
        model: A fitted VotingClassifier whose votes are soft.
        matrix: The rows.
        within: Adds the classifiers.

    Raises:
        ConversionError: The votes are hard, or a classifier is not known.
    """
    if model.voting != "soft":
        raise refusal(
            "VotingClassifier(voting='hard') has no probabilities, which are asked of it here",
            where=tail.where,
        )
    return _mean(tail, model, [within.shares(tail, one, matrix) for one in model.estimators_])


def add_hard_votes(tail: TailGraph, model: Any, matrix: Matrix, within: Within) -> Matrix:
    """Add the weighed votes for each class: float64 `(N, K)`.

    Args:
        tail: The graph.
        model: A fitted VotingClassifier.
        matrix: The rows.
        within: Adds the classifiers.

    Raises:
        ConversionError: A classifier is not known, or a weight is negative.
    """
    weights = _weights(model)
    if (weights < 0).any():
        raise refusal("VotingClassifier with weights below 0 is not known", where=tail.where)
    places = np.arange(len(model.classes_), dtype=np.float64)
    votes = []
    for one in model.estimators_:
        label = within.label(tail, one, matrix)
        equal = tail.add("Equal", [label.name, tail.constant(places[np.newaxis])])
        votes.append(Matrix(tail.double(equal), len(places)))
    return _sum(tail, votes, weights)


def add_mean(tail: TailGraph, model: Any, matrix: Matrix, within: Within) -> Matrix:
    """Add the weighed mean of the numbers of several regressors: float64 `(N, 1)`.

    Args:
        tail: The graph.
        model: A fitted VotingRegressor.
        matrix: The rows.
        within: Adds the regressors.

    Raises:
        ConversionError: A regressor is not known.
    """
    return _mean(tail, model, [within.number(tail, one, matrix) for one in model.estimators_])


def add_stack(tail: TailGraph, model: Any, matrix: Matrix, within: Within) -> Matrix:
    """Add what the last estimator of a stack takes: the answers of the others, side by side.

    Args:
        tail: The graph.
        model: A fitted StackingClassifier or StackingRegressor.
        matrix: The rows; with `passthrough` they stand behind the answers.
        within: Adds the others.

    Raises:
        ConversionError: One of the others is not known.
    """
    parts = []
    for one, method in zip(model.estimators_, model.stack_method_, strict=True):
        if method == "predict_proba":
            shares = within.shares(tail, one, matrix)
            two = len(model.classes_) == 2
            parts.append(tail.columns(shares, range(1, shares.width)) if two else shares)
        elif method == "decision_function":
            parts.append(within.decisions(tail, one, matrix))
        elif hasattr(model, "classes_"):
            if not np.array_equal(one.classes_, np.arange(len(one.classes_))):
                raise refusal(
                    f"a fitted {class_of(one)} answers names, which cannot be stacked",
                    where=tail.where,
                    remedy="Let the stack fit it: leave out cv='prefit'.",
                )
            parts.append(within.label(tail, one, matrix))
        else:
            parts.append(within.number(tail, one, matrix))
    return tail.side_by_side([*parts, matrix] if model.passthrough else parts)


def _weights(model: Any) -> NDArray[np.float64]:
    """Return a weight for each estimator that was fitted."""
    kept = model._weights_not_none
    return np.ones(len(model.estimators_)) if kept is None else np.asarray(kept, np.float64)


def _mean(tail: TailGraph, model: Any, parts: list[Matrix]) -> Matrix:
    weights = _weights(model)
    return tail.apply("Div", _sum(tail, parts, weights), float(weights.sum()))


def _sum(tail: TailGraph, parts: list[Matrix], weights: NDArray[np.float64]) -> Matrix:
    """Add the sum of matrices of one width, each times its weight."""
    pairs = zip(parts, weights.tolist(), strict=True)
    weighed = [tail.apply("Mul", part, weight) for part, weight in pairs]
    total = weighed[0]
    for part in weighed[1:]:
        total = Matrix(tail.add("Add", [total.name, part.name]), total.width)
    return total
