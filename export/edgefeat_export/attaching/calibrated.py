"""Calibrated classifiers: each copy's decisions through its calibrators, and the mean of all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["Decide", "add_calibrated", "column"]

Decide = Callable[[TailGraph, Any, Matrix, int], Matrix]
"""Adds what an estimator decides by: `(N, 1)` of two classes, else `(N, K)`."""


def add_calibrated(
    tail: TailGraph, model: Any, matrix: Matrix, classes: int, decide: Decide
) -> Matrix:
    """Add a CalibratedClassifierCV; return probabilities: float64 `(N, K)`.

    Args:
        tail: The graph.
        model: The fitted model.
        matrix: The rows.
        classes: How many classes there are.
        decide: Adds the decisions of the estimator inside.

    Raises:
        ConversionError: It calibrates in a way that is not known, or a copy never saw some class.
    """
    parts = [_one(tail, one, matrix, classes, decide) for one in model.calibrated_classifiers_]
    total = parts[0]
    for part in parts[1:]:
        total = Matrix(tail.add("Add", [total.name, part.name]), classes)
    return tail.apply("Div", total, float(len(parts)))


def column(tail: TailGraph, matrix: Matrix, place: int) -> Matrix:
    """Return one column of a matrix.

    Args:
        tail: The graph.
        matrix: The matrix.
        place: Which column.
    """
    if matrix.width == 1:
        return matrix
    where = tail.constant(np.array([place]), np.int64)
    return Matrix(tail.add("Gather", [matrix.name, where], attributes={"axis": 1}), 1)


def _one(tail: TailGraph, part: Any, matrix: Matrix, classes: int, decide: Decide) -> Matrix:
    expected = 1 if classes == 2 else classes
    if part.method == "temperature" or len(part.calibrators) != expected:
        raise refusal(
            f"CalibratedClassifierCV(method={part.method!r}) of {len(part.calibrators)} calibrators"
            f" and {classes} classes: known are 'sigmoid' and 'isotonic', one for each class",
            where=tail.where,
        )
    decisions = decide(tail, part.estimator, matrix, classes)
    each = [
        _calibrated(tail, calibrator, column(tail, decisions, place))
        for place, calibrator in enumerate(part.calibrators)
    ]
    if classes == 2:
        first = Matrix(tail.add("Sub", [tail.constant(1.0), each[0].name]), 1)
        return tail.side_by_side([first, each[0]])
    together = tail.side_by_side(each)
    axes = tail.constant(np.array([1]), np.int64)
    total = tail.add("ReduceSum", [together.name, axes], attributes={"keepdims": 1})
    nothing = tail.add("Equal", [total, tail.constant(0.0)])
    shares = tail.add("Div", [together.name, total])
    even = tail.constant(np.full((1, classes), 1 / classes))
    return Matrix(tail.add("Where", [nothing, even, shares]), classes)


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
