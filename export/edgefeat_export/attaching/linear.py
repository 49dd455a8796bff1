"""Estimators whose scores are products: linear models, and perceptrons of several layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["add_linear", "add_perceptron"]

_ACTIVATIONS = {"relu": "Relu", "tanh": "Tanh", "logistic": "Sigmoid", "identity": None}


def add_linear(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add the scores of a linear model: float64 `(N, K)`, or `(N, 1)` of two classes or a number.

    Args:
        tail: The graph.
        model: A fitted model with `coef_` and `intercept_`.
        matrix: The rows.
    """
    weights = np.atleast_2d(np.asarray(model.coef_, np.float64))
    bias = np.broadcast_to(np.asarray(model.intercept_, np.float64), (len(weights),))
    return tail.linear(matrix, weights.T, bias)


def add_perceptron(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add what the last layer of a perceptron gives, before its own activation: float64 `(N, K)`.

    Args:
        tail: The graph.
        model: A fitted MLPClassifier or MLPRegressor.
        matrix: The rows.
    """
    operation = _ACTIVATIONS[model.activation]
    last = len(model.coefs_) - 1
    for at, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        matrix = tail.linear(matrix, np.asarray(weights, np.float64), np.asarray(bias, np.float64))
        if at < last and operation is not None:
            matrix = Matrix(tail.add(operation, [matrix.name]), matrix.width)
    return matrix
