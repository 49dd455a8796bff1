"""Trees, forests and boosted trees as one operator, compared as scikit-learn compares.

ai.onnx.ml's TreeEnsembleRegressor adds the weights of the leaves that a row reaches, one for each
target. Thresholds stay float64, and a missing number goes where the tree learnt to send it.
scikit-learn's forests round rows to float32 before they compare; HistGradientBoosting does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.attaching.refusing import class_of, refusal
from edgefeat_export.attaching.steps import single_precision
from edgefeat_export.attaching.tail import ML, Matrix, TailGraph

__all__ = ["Node", "Tree", "add_boosted", "add_ensemble", "add_forest", "add_hist_boosted"]

Node = tuple[int, float, int, int, bool, NDArray[np.float64] | None]
"""A node: feature, threshold, left, right, whether missing goes left, and a leaf's weights."""
Tree = tuple[int, list[Node]]
"""A tree: the first target that its leaves add to, and its nodes."""


def add_forest(tail: TailGraph, model: Any, matrix: Matrix, targets: int) -> Matrix:
    """Add a decision tree or a forest; return the mean of its leaves: shares, or a number.

    Args:
        tail: The graph.
        model: DecisionTree, RandomForest or ExtraTrees.
        matrix: The rows.
        targets: How many classes, or 1 for a number.
    """
    trees = getattr(model, "estimators_", None) or [model]

    def each() -> Iterator[Tree]:
        for tree in trees:
            values = tree.tree_.value[:, 0, :] if targets > 1 else tree.tree_.value[:, 0, :1]
            if targets > 1:
                values = values / values.sum(axis=1, keepdims=True)
            yield 0, list(_nodes(tree.tree_, values / len(trees)))

    return add_ensemble(tail, single_precision(tail, matrix), list(each()), targets)


def add_boosted(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add GradientBoosting; return its raw scores.

    Args:
        tail: The graph.
        model: The fitted model.
        matrix: The rows.

    Raises:
        ConversionError: It starts from an estimator of somebody's own.
    """
    targets = model.estimators_.shape[1]
    init = model.init_
    if init != "zero" and class_of(init) not in ("DummyClassifier", "DummyRegressor"):
        raise refusal(f"{class_of(model)}(init={class_of(init)}) is not known", where=tail.where)
    start = np.asarray(model._raw_predict_init(np.zeros((1, matrix.width), np.float32)))[0]
    trees = [
        (target, list(_nodes(one.tree_, model.learning_rate * one.tree_.value[:, 0, :])))
        for stage in model.estimators_
        for target, one in enumerate(stage)
    ]
    raw = add_ensemble(tail, single_precision(tail, matrix), trees, targets)
    return tail.apply("Add", raw, start.astype(np.float64))


def add_hist_boosted(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add HistGradientBoosting; return its raw scores.

    Args:
        tail: The graph.
        model: The fitted model.
        matrix: The rows.

    Raises:
        ConversionError: It has categorical features.
    """
    if getattr(model, "is_categorical_", None) is not None and np.any(model.is_categorical_):
        raise refusal(
            f"{class_of(model)}(categorical_features=...) is not known",
            where=tail.where,
            remedy="Encode these columns, by OrdinalEncoder or OneHotEncoder, and fit without it.",
        )
    trees = []
    for stage in model._predictors:
        for target, predictor in enumerate(stage):
            nodes: list[Node] = []
            for one in predictor.nodes:
                leaf = np.array([one["value"]]) if one["is_leaf"] else None
                nodes.append(
                    (
                        int(one["feature_idx"]),
                        float(one["num_threshold"]),
                        int(one["left"]),
                        int(one["right"]),
                        bool(one["missing_go_to_left"]),
                        leaf,
                    )
                )
            trees.append((target, nodes))
    raw = add_ensemble(tail, matrix, trees, len(model._predictors[0]))
    return tail.apply("Add", raw, np.reshape(model._baseline_prediction, -1))


def _nodes(tree: Any, weights: NDArray[np.float64]) -> Iterator[Node]:
    ways = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count))
    for at in range(tree.node_count):
        left, right = int(tree.children_left[at]), int(tree.children_right[at])
        leaf = weights[at] if left < 0 else None
        yield int(tree.feature[at]), float(tree.threshold[at]), left, right, bool(ways[at]), leaf


def add_ensemble(tail: TailGraph, matrix: Matrix, trees: list[Tree], targets: int) -> Matrix:
    """Add trees; return the sums of the leaves that a row reaches: float64 `(N, targets)`.

    Args:
        tail: The graph.
        matrix: The rows.
        trees: The trees.
        targets: How many sums there are.

    Raises:
        ConversionError: The branches of a tree do not end.
    """
    nodes: dict[str, list[Any]] = {
        name: []
        for name in (
            *("treeids", "nodeids", "featureids", "modes", "truenodeids", "falsenodeids"),
            *("missing_value_tracks_true", "values"),
        )
    }
    leaves: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for number, (first, tree) in enumerate(trees):
        for at, (feature, threshold, left, right, missing_left, leaf) in enumerate(tree):
            if leaf is None and not at < min(left, right) <= max(left, right) < len(tree):
                raise refusal("a tree whose branches lead back or nowhere", where=tail.where)
            nodes["treeids"].append(number)
            nodes["nodeids"].append(at)
            nodes["featureids"].append(0 if leaf is not None else feature)
            nodes["modes"].append("LEAF" if leaf is not None else "BRANCH_LEQ")
            nodes["truenodeids"].append(0 if leaf is not None else left)
            nodes["falsenodeids"].append(0 if leaf is not None else right)
            nodes["missing_value_tracks_true"].append(int(leaf is None and missing_left))
            nodes["values"].append(0.0 if leaf is not None else threshold)
            for target, weight in enumerate(() if leaf is None else leaf):
                leaves["treeids"].append(number)
                leaves["nodeids"].append(at)
                leaves["ids"].append(first + target)
                leaves["weights"].append(float(weight))
    attributes: dict[str, Any] = {
        f"nodes_{name}": values for name, values in nodes.items() if name != "values"
    }
    attributes |= {f"target_{name}": leaves[name] for name in ("treeids", "nodeids", "ids")}
    attributes |= {
        "nodes_values_as_tensor": _tensor(nodes["values"]),
        "target_weights_as_tensor": _tensor(leaves["weights"]),
        "n_targets": targets,
        "aggregate_function": "SUM",
        "post_transform": "NONE",
    }
    name = tail.add("TreeEnsembleRegressor", [matrix.name], domain=ML, attributes=attributes)
    return Matrix(tail.double(name), targets)


def _tensor(values: list[float]) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.array(values, np.float64))
