"""Calibrated classifiers: each copy's decisions through its calibrators, and the mean of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["Respond", "add_calibrated"]

Respond = Callable[[TailGraph, Any, Matrix, int], tuple[Matrix, bool]]
"""Adds what an estimator is calibrated by: probabilities, `(N, K)`, or else decisions, `(N, 1)` of
two classes and `(N, K)` of more. Says whether it is probabilities."""
_TINY = 1e-12  # scikit-learn adds it to probabilities before their logarithm


def add_calibrated(
    tail: TailGraph, model: Any, matrix: Matrix, classes: int, respond: Respond
) -> Matrix:
    """Add a CalibratedClassifierCV; return probabilities: float64 `(N, K)`.

    Args:
        tail: The graph.
        model: The fitted model.
        matrix: The rows.
        classes: How many classes there are.
        respond: Adds what the estimator inside is calibrated by.

    Raises:
        ConversionError: It calibrates in a way that is not known, or a copy never saw some class.
    """
    parts = [_one(tail, one, matrix, classes, respond) for one in model.calibrated_classifiers_]
    total = parts[0]
    for part in parts[1:]:
        total = Matrix(tail.add("Add", [total.name, part.name]), classes)
    return tail.apply("Div", total, float(len(parts)))


def _one(tail: TailGraph, part: Any, matrix: Matrix, classes: int, respond: Respond) -> Matrix:
    if part.method == "temperature":
        return _tempered(tail, part, *respond(tail, part.estimator, matrix, classes))
    expected = 1 if classes == 2 else classes
    if len(part.calibrators) != expected:
        raise refusal(
            f"a copy in CalibratedClassifierCV has {len(part.calibrators)} calibrators for "
            f"{classes} classes: it never saw some of them",
            where=tail.where,
            remedy="Fit it with fewer folds, or on more rows of the rare classes.",
        )
    decisions, _ = respond(tail, part.estimator, matrix, classes)
    first = decisions.width - expected  # for two classes the second probability counts
    each = [
        _calibrated(tail, calibrator, tail.columns(decisions, [first + place]))
        for place, calibrator in enumerate(part.calibrators)
    ]
    if classes == 2:
        other = Matrix(tail.add("Sub", [tail.constant(1.0), each[0].name]), 1)
        return tail.side_by_side([other, each[0]])
    together = tail.side_by_side(each)
    axes = tail.constant(np.array([1]), np.int64)
    total = tail.add("ReduceSum", [together.name, axes], attributes={"keepdims": 1})
    nothing = tail.add("Equal", [total, tail.constant(0.0)])
    shares = tail.add("Div", [together.name, total])
    even = tail.constant(np.full((1, classes), 1 / classes))
    return Matrix(tail.add("Where", [nothing, even, shares]), classes)


def _tempered(tail: TailGraph, part: Any, given: Matrix, are_shares: bool) -> Matrix:
    """Add softmax of the logits, all of them times one number."""
    (calibrator,) = part.calibrators
    logits = given
    if are_shares:
        logits = Matrix(tail.add("Log", [tail.apply("Add", given, _TINY).name]), given.width)
    elif given.width == 1:
        logits = tail.side_by_side([Matrix(tail.add("Neg", [given.name]), 1), given])
    scaled = tail.apply("Mul", logits, float(calibrator.beta_))
    return Matrix(tail.add("Softmax", [scaled.name], attributes={"axis": -1}), scaled.width)


def _calibrated(tail: TailGraph, calibrator: Any, decision: Matrix) -> Matrix:
    kind = class_of(calibrator)
    if kind == "_SigmoidCalibration":
        slope = tail.apply("Mul", decision, -float(calibrator.a_))
        return Matrix(tail.add("Sigmoid", [tail.apply("Sub", slope, float(calibrator.b_)).name]), 1)
    if kind == "IsotonicRegression":
        return _isotonic(tail, calibrator, decision)
    raise refusal(f"a calibrator {kind} is not known", where=tail.where)


def _isotonic(tail: TailGraph, calibrator: Any, decision: Matrix) -> Matrix:
    """Add the line between the two thresholds around a decision; outside, that of the nearest.

    Each piece adds its own rise times the share of it that the decision has passed.
    """
    edges = np.asarray(calibrator.X_thresholds_, np.float64)
    heights = np.asarray(calibrator.y_thresholds_, np.float64)
    if len(edges) == 1:
        return tail.apply("Add", tail.apply("Mul", decision, 0.0), heights[:1])
    passed = tail.apply("Div", tail.apply("Sub", decision, edges[:-1]), np.diff(edges))
    shares = tail.apply("Min", tail.apply("Max", passed, 0.0), 1.0)
    pieces = Matrix(shares.name, len(edges) - 1)
    return tail.linear(pieces, np.diff(heights)[:, np.newaxis], heights[:1])
