"""Steps on numbers, as scikit-learn computes them: float64, the same operations in the same order.

SimpleImputer    Where(IsNaN(x), statistic, x), with the indicator's columns behind
StandardScaler   (x - mean) / scale        RobustScaler   (x - center) / scale
MinMaxScaler     x * scale + min           MaxAbsScaler   x / scale
PCA              x @ W - mean @ W, W = componentsᵀ, divided by the deviations if they are whitened
FunctionTransformer   the function, if it is known
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from onnx import TensorProto

from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.tail import Matrix, TailGraph

__all__ = ["ENCODERS", "KNOWN_STEPS", "bears_nan", "keeps_nan", "steps_of", "translate_step"]

ENCODERS = ("OneHotEncoder", "OrdinalEncoder")
_FUNCTIONS = {
    "log1p": ("Add", "Log"),
    "log": ("Log",),
    "sqrt": ("Sqrt",),
    "abs": ("Abs",),
    "absolute": ("Abs",),
    "exp": ("Exp",),
}


def translate_step(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    """Add a fitted step behind a matrix; return what it gives.

    Args:
        tail: The graph.
        step: One of scikit-learn's own transformers, or `"passthrough"`.
        matrix: What it takes.

    Raises:
        ConversionError: The step is not among those that are known, or has an option that is not.
    """
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return matrix
    if class_of(step) in ENCODERS:
        raise refusal(
            f"{class_of(step)} stands behind numbers; known is one for columns of words, right in "
            "the ColumnTransformer",
            where=tail.where,
            remedy="Make the column text before fitting, as by .astype(str).",
        )
    translate = _STEPS.get(class_of(step))
    if translate is None:
        raise refusal(
            f"{class_of(step)} cannot be put into the file; known are {', '.join(KNOWN_STEPS)}",
            where=tail.where,
            remedy="Do that before the rows, or leave it out.",
        )
    expected = getattr(step, "n_features_in_", matrix.width)
    if expected != matrix.width:
        raise refusal(
            f"{class_of(step)} was fitted on {expected} numbers, here are {matrix.width}",
            where=tail.where,
        )
    return translate(tail, step, matrix)


def keeps_nan(step: Any) -> bool:
    """Return whether a NaN passes a step as NaN, so that what follows decides."""
    return class_of(step) != "SimpleImputer"


def bears_nan(step: Any) -> bool:
    """Return whether a step computes where a number is NaN; scikit-learn's own raise else."""
    return class_of(step) not in ("Normalizer", "PCA") and not getattr(step, "validate", False)


def steps_of(pipeline: Any) -> Iterator[Any]:
    """Yield a pipeline's steps one by one, those of pipelines within it too."""
    for _, step in pipeline.steps:
        if class_of(step) == "Pipeline":
            yield from steps_of(step)
        else:
            yield step


def _imputer(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    if not (isinstance(step.missing_values, float) and np.isnan(step.missing_values)):
        raise refusal(
            f"SimpleImputer(missing_values={step.missing_values!r}): only NaN is known as missing",
            where=tail.where,
            remedy="Mark what is missing as NaN.",
        )
    statistics = np.asarray(step.statistics_, np.float64)
    if not np.isfinite(statistics).all():
        raise refusal(
            "SimpleImputer drops columns that were missing in every row",
            where=tail.where,
            remedy="Leave these columns out.",
        )
    missing = tail.add("IsNaN", [matrix.name])
    filled = Matrix(
        tail.add("Where", [missing, tail.constant(statistics), matrix.name]), matrix.width
    )
    indicator = getattr(step, "indicator_", None)
    if not step.add_indicator or indicator is None or not len(indicator.features_):
        return filled
    where = tail.constant(np.asarray(indicator.features_), np.int64)
    picked = tail.add("Gather", [missing, where], attributes={"axis": 1})
    marks = Matrix(tail.double(picked), len(indicator.features_))
    return tail.side_by_side([filled, marks])


def _standard(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    if step.with_mean:
        matrix = tail.apply("Sub", matrix, step.mean_)
    return tail.apply("Div", matrix, step.scale_) if step.with_std else matrix


def _robust(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    if step.with_centering:
        matrix = tail.apply("Sub", matrix, step.center_)
    return tail.apply("Div", matrix, step.scale_) if step.with_scaling else matrix


def _min_max(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    matrix = tail.apply("Add", tail.apply("Mul", matrix, step.scale_), step.min_)
    if not step.clip:
        return matrix
    low, high = step.feature_range
    return tail.apply("Min", tail.apply("Max", matrix, float(low)), float(high))


def _max_abs(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    if getattr(step, "clip", False):
        raise refusal("MaxAbsScaler(clip=True) is not known", where=tail.where)
    return tail.apply("Div", matrix, step.scale_)


def _pca(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    weights = np.asarray(step.components_, np.float64).T
    if step.whiten:
        smallest = np.finfo(step.explained_variance_.dtype).eps
        weights = weights / np.maximum(np.sqrt(step.explained_variance_), smallest)
    return tail.linear(matrix, weights, -(step.mean_ @ weights))


def _function(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    if step.func is None:
        return matrix
    name = getattr(step.func, "__name__", repr(step.func))
    known = getattr(np, name, None) is step.func and name in _FUNCTIONS
    if not known or step.kw_args:
        raise refusal(
            f"FunctionTransformer of {name}: only NumPy's {', '.join(_FUNCTIONS)} are known",
            where=tail.where,
            remedy="Compute it before the rows are made.",
        )
    tail.makes_nan |= name not in ("abs", "absolute")
    for operation in _FUNCTIONS[name]:
        if operation == "Add":
            matrix = tail.apply("Add", matrix, 1.0)
        else:
            matrix = Matrix(tail.add(operation, [matrix.name]), matrix.width)
    return matrix


def _normalizer(tail: TailGraph, step: Any, matrix: Matrix) -> Matrix:
    if step.norm != "l2":
        raise refusal(f"Normalizer(norm={step.norm!r}): only 'l2' is known", where=tail.where)
    squares = tail.add("Mul", [matrix.name, matrix.name])
    axes = tail.constant(np.array([1]), np.int64)
    length = tail.add("Sqrt", [tail.add("ReduceSum", [squares, axes], attributes={"keepdims": 1})])
    zero = tail.add("Equal", [length, tail.constant(0.0)])
    length = tail.add("Where", [zero, tail.constant(1.0), length])
    return Matrix(tail.add("Div", [matrix.name, length]), matrix.width)


def single_precision(tail: TailGraph, matrix: Matrix) -> Matrix:
    """Return a matrix rounded to float32 and back, as trees of scikit-learn compare."""
    return Matrix(tail.double(tail.cast(matrix.name, TensorProto.FLOAT)), matrix.width)


_STEPS: dict[str, Callable[[TailGraph, Any, Matrix], Matrix]] = {
    "FunctionTransformer": _function,
    "MaxAbsScaler": _max_abs,
    "MinMaxScaler": _min_max,
    "Normalizer": _normalizer,
    "PCA": _pca,
    "RobustScaler": _robust,
    "SimpleImputer": _imputer,
    "StandardScaler": _standard,
}
KNOWN_STEPS = tuple(sorted({*_STEPS, *ENCODERS}))
"""Steps of columns that a file can have."""
