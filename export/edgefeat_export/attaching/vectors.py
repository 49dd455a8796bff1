"""Support vector classifiers: votes of all pairs in float64, probabilities by ONNX's own operator.

libsvm decides each pair of classes by its own sum over support vectors; a row goes to the class
with the most pairs. Probabilities solve a small system step by step, and stop before it is solved
in full: ai.onnx.ml's SVMClassifier does that as libsvm does, in float32.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from edgefeat_export.attaching.distances import add_nearness
from edgefeat_export.attaching.refusing import refusal
from edgefeat_export.attaching.tail import ML, Matrix, TailGraph

__all__ = ["add_decisions", "add_vector_probabilities", "add_votes"]

_KERNELS = {"linear": "LINEAR", "poly": "POLY", "rbf": "RBF", "sigmoid": "SIGMOID"}


def add_votes(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add how many pairs each class wins, as libsvm counts: float64 `(N, K)`.

    Args:
        tail: The graph.
        model: A fitted SVC.
        matrix: The rows.

    Raises:
        ConversionError: The kernel is a function, or ties are broken.
    """
    if model.break_ties:
        raise refusal("SVC(break_ties=True) is not known", where=tail.where)
    decisions, winners = _pairs(tail, model, matrix)
    won = tail.double(tail.add("Greater", [decisions.name, tail.constant(0.0)]))
    lost = np.where(winners < 0, 1.0, 0.0).sum(axis=0)  # what is not won by one goes to the other
    return tail.linear(Matrix(won, len(winners)), winners, lost)


def add_decisions(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add what `decision_function` gives: float64 `(N, 1)` of two classes, else `(N, K)`.

    Of several classes it is the pairs that each wins, and a part of one for how clearly.

    Args:
        tail: The graph.
        model: A fitted SVC.
        matrix: The rows.

    Raises:
        ConversionError: The kernel is a function, or the decisions are those of pairs.
    """
    decisions, winners = _pairs(tail, model, matrix)
    if len(winners) == 1:
        return tail.apply("Mul", decisions, -1.0)
    if model.decision_function_shape != "ovr":
        raise refusal(
            f"SVC(decision_function_shape={model.decision_function_shape!r}) as a part of another "
            "estimator: known is 'ovr'",
            where=tail.where,
        )
    lost = tail.double(tail.add("Less", [decisions.name, tail.constant(0.0)]))
    first = np.where(winners > 0, 1.0, 0.0).sum(axis=0)
    votes = tail.linear(Matrix(lost, len(winners)), -winners, first)
    clear = tail.linear(decisions, winners, np.zeros(votes.width))
    size = tail.apply("Add", Matrix(tail.add("Abs", [clear.name]), clear.width), 1.0)
    share = tail.add("Div", [clear.name, tail.apply("Mul", size, 3.0).name])
    return Matrix(tail.add("Add", [votes.name, share]), votes.width)


def _pairs(tail: TailGraph, model: Any, matrix: Matrix) -> tuple[Matrix, NDArray[np.float64]]:
    """Add the decisions of all pairs of classes.

    Returns:
        The decisions, positive for a pair's first class: float64 `(N, pairs)`. And which classes
        are a pair's first and second, as 1 and -1: float64 `(pairs, K)`.
    """
    if model.kernel not in _KERNELS:
        raise refusal(
            f"SVC(kernel={model.kernel!r}): known are {', '.join(_KERNELS)}", where=tail.where
        )
    starts = np.concatenate([[0], np.cumsum(model.n_support_)])
    pairs = list(combinations(range(len(model.classes_)), 2))
    weights = np.zeros((starts[-1], len(pairs)))
    winners = np.zeros((len(pairs), len(model.classes_)))
    for at, (one, other) in enumerate(pairs):
        mine, theirs = slice(*starts[one : one + 2]), slice(*starts[other : other + 2])
        weights[mine, at] = model._dual_coef_[other - 1, mine]
        weights[theirs, at] = model._dual_coef_[one, theirs]
        winners[at, one], winners[at, other] = 1, -1
    kernel = _kernel(tail, model, matrix)
    return tail.linear(kernel, weights, model._intercept_), winners


def add_vector_probabilities(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add the probabilities of an SVC that was fitted with `probability=True`: float64 `(N, K)`.

    Args:
        tail: The graph.
        model: A fitted SVC.
        matrix: The rows.
    """
    count = len(model.classes_)
    attributes = {
        "classlabels_ints": list(range(count)),
        "coefficients": model._dual_coef_.ravel().tolist(),
        "kernel_params": [float(model._gamma), float(model.coef0), float(model.degree)],
        "kernel_type": _KERNELS[model.kernel],
        "post_transform": "NONE",
        "prob_a": model._probA.tolist(),
        "prob_b": model._probB.tolist(),
        "rho": model._intercept_.tolist(),
        "support_vectors": np.asarray(model.support_vectors_).ravel().tolist(),
        "vectors_per_class": model.n_support_.tolist(),
    }
    single = tail.cast(matrix.name, TensorProto.FLOAT)
    names = [f"{single}_votes", f"{single}_shares"]
    tail.add("SVMClassifier", [single], domain=ML, attributes=attributes, outputs=names)
    return Matrix(tail.double(names[1]), count)


def _kernel(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Return the kernel of rows and support vectors: float64 `(N, S)`."""
    vectors, gamma = np.asarray(model.support_vectors_, np.float64), float(model._gamma)
    nothing = np.zeros(len(vectors))
    if model.kernel == "linear":
        return tail.linear(matrix, vectors.T, nothing)
    if model.kernel == "rbf":
        rows, nearness = add_nearness(tail, matrix, vectors)
        own = tail.add("ReduceSumSquare", [rows.name], attributes={"axes": [1], "keepdims": 1})
        distance = Matrix(tail.add("Sub", [own, nearness.name]), len(vectors))
        powers = tail.apply("Mul", distance, -gamma)
        return Matrix(tail.add("Exp", [powers.name]), len(vectors))
    inner = tail.linear(matrix, gamma * vectors.T, nothing + float(model.coef0))
    if model.kernel == "sigmoid":
        return Matrix(tail.add("Tanh", [inner.name]), len(vectors))
    return tail.apply("Pow", inner, float(model.degree))
