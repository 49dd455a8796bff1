"""Nearest neighbours: squared distances by one product of matrices, and the k smallest.

Where neighbours are weighed, the distances of these k are computed once more, each by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.attaching.distances import add_nearness
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
        ConversionError: It weighs neighbours by a function, or measures another distance.
    """
    metrics = {"uniform": ("euclidean", "sqeuclidean"), "distance": ("euclidean",)}
    known = metrics.get(model.weights, ()) if isinstance(model.weights, str) else ()
    if model.effective_metric_ not in known:
        raise refusal(
            f"{class_of(model)}(weights={model.weights!r}, metric={model.effective_metric_!r}): "
            "known are weights 'uniform' and 'distance', and Euclidean distances",
            where=tail.where,
        )
    points = np.asarray(model._fit_X, np.float64)
    if targets > 1:
        answers = np.eye(targets)[np.asarray(model._y, np.int64)]
    else:
        answers = np.asarray(model._y, np.float64).reshape(len(points), -1)
        if answers.shape[1] != 1:
            raise refusal("several numbers for a row are not known", where=tail.where)
    _, nearness = add_nearness(tail, matrix, points)
    tail.add(
        "TopK",
        [nearness.name, tail.constant(np.array([model.n_neighbors]), np.int64)],
        outputs=(best := [f"{nearness.name}_best", f"{nearness.name}_rows"]),
        attributes={"axis": -1},
    )
    picked = tail.add("Gather", [tail.constant(answers), best[1]], attributes={"axis": 0})
    axes = tail.constant(np.array([1]), np.int64)
    if model.weights == "uniform":
        total = tail.add("ReduceSum", [picked, axes], attributes={"keepdims": 0})
        return tail.apply("Div", Matrix(total, targets), float(model.n_neighbors))
    weights = _weights(tail, matrix, points, best[1])
    weighed = tail.add("Mul", [picked, weights])
    total = tail.add("ReduceSum", [weighed, axes], attributes={"keepdims": 0})
    whole = tail.add("ReduceSum", [weights, axes], attributes={"keepdims": 0})
    return Matrix(tail.add("Div", [total, whole]), targets)


def _weights(tail: TailGraph, matrix: Matrix, points: NDArray[np.float64], rows: str) -> str:
    """Add 1 / distance of each neighbour: float64 `(N, k, 1)`; those at distance 0 count alone."""
    middle, last = (tail.constant(np.array([axis]), np.int64) for axis in (1, 2))
    there = tail.add("Gather", [tail.constant(points), rows], attributes={"axis": 0})
    way = tail.add("Sub", [tail.add("Unsqueeze", [matrix.name, middle]), there])
    squares = tail.add("ReduceSum", [tail.add("Mul", [way, way]), last], attributes={"keepdims": 1})
    length = tail.add("Sqrt", [squares])
    same = tail.double(tail.add("Equal", [length, tail.constant(0.0)]))
    any_same = tail.add("ReduceMax", [same], attributes={"axes": [1], "keepdims": 1})
    is_there = tail.add("Greater", [any_same, tail.constant(0.0)])
    return tail.add("Where", [is_there, same, tail.add("Div", [tail.constant(1.0), length])])
