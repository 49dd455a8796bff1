"""Nearest neighbours: squared distances by one product of matrices, and the k smallest."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["add_neighbours"]


def add_neighbours(tail: TailGraph, model: Any, matrix: Matrix, targets: int) -> Matrix:
    """Add k nearest neighbours; return shares of classes, or the mean number.

    Args:
        tail: The graph.
        model: KNeighborsClassifier or KNeighborsRegressor, by Euclidean distance.
        matrix: The rows.
        targets: How many classes, or 1 for a number.

    Raises:
        ConversionError: It weighs neighbours, or measures another distance.
    """
    if model.weights != "uniform" or model.effective_metric_ not in ("euclidean", "sqeuclidean"):
        raise refusal(
            f"{class_of(model)}(weights={model.weights!r}, metric={model.effective_metric_!r}): "
            "known are uniform weights and Euclidean distances",
            where=tail.where,
        )
    points = np.asarray(model._fit_X, np.float64)
    if targets > 1:
        answers = np.eye(targets)[np.asarray(model._y, np.int64)]
    else:
        answers = np.asarray(model._y, np.float64).reshape(len(points), -1)
        if answers.shape[1] != 1:
            raise refusal("several numbers for a row are not known", where=tail.where)
    # The square of the row itself is the same for all points, and is left out.
    nearness = tail.linear(matrix, 2 * points.T, -np.square(points).sum(axis=1))
    tail.add(
        "TopK",
        [nearness.name, tail.constant(np.array([model.n_neighbors]), np.int64)],
        outputs=(best := [f"{nearness.name}_best", f"{nearness.name}_rows"]),
        attributes={"axis": -1},
    )
    picked = tail.add("Gather", [tail.constant(answers), best[1]], attributes={"axis": 0})
    axes = tail.constant(np.array([1]), np.int64)
    total = tail.add("ReduceSum", [picked, axes], attributes={"keepdims": 0})
    return tail.apply("Div", Matrix(total, targets), float(model.n_neighbors))
