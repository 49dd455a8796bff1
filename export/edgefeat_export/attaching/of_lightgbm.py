"""LightGBM's trees: its own dump, compared in float64 as LightGBM compares.

A row goes left where its number is at most the threshold. What is missing goes where the feature
says: with missing type `NaN` to the side that the tree learnt; with `None` it counts as 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from edgefeat_export.attaching.refusing import refusal
from edgefeat_export.attaching.tail import Matrix, TailGraph
from edgefeat_export.attaching.trees import Node, Tree, add_ensemble

__all__ = ["LIGHTGBM", "add_lightgbm"]

LIGHTGBM = ("lightgbm.sklearn.LGBMClassifier", "lightgbm.sklearn.LGBMRegressor")
_AS_IT_IS = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
_EXPONENTIAL = ("poisson", "gamma", "tweedie")


def add_lightgbm(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add a model of LightGBM; return its raw scores, or the number that it predicts.

    Args:
        tail: The graph.
        model: LGBMClassifier or LGBMRegressor.
        matrix: The rows.

    Returns:
        float64 `(N, K)`; of two classes the score of the second, whose sigmoid is its probability.

    Raises:
        ConversionError: It splits by categories, treats zeros as missing, or is of another kind
            than boosted trees with constant leaves.
    """
    dump = model.booster_.dump_model()
    objective, *options = str(dump.get("objective", "")).split()
    settings = dict(one.split(":", 1) for one in options if ":" in one)
    if dump.get("average_output") or any(":" not in one for one in options):
        raise _unknown(tail, f"objective {dump['objective']!r}, or averaged trees")
    count = int(dump["num_tree_per_iteration"])
    trees: list[Tree] = [
        (number % count, _nodes(tail, one["tree_structure"]))
        for number, one in enumerate(dump["tree_info"])
    ]
    raw = add_ensemble(tail, matrix, trees, count)
    if objective == "binary":
        return tail.apply("Mul", raw, float(settings["sigmoid"]))
    if objective == "multiclass" or objective in _AS_IT_IS:
        return raw
    if objective in _EXPONENTIAL:
        return Matrix(tail.add("Exp", [raw.name]), raw.width)
    raise _unknown(tail, f"objective {objective!r}")


def _nodes(tail: TailGraph, root: Mapping[str, Any]) -> list[Node]:
    """Return a tree's nodes, each with the places of the two below it."""
    flat = list(_walk(root))
    places = {id(one): place for place, one in enumerate(flat)}
    return [_node(tail, one, places) for one in flat]


def _walk(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        if "split_feature" in one:
            waiting += [one["right_child"], one["left_child"]]


def _node(tail: TailGraph, one: Mapping[str, Any], places: Mapping[int, int]) -> Node:
    if "split_feature" not in one:
        if "leaf_coeff" in one:
            raise _unknown(tail, "linear_tree=True")
        return 0, 0.0, -1, -1, False, np.array([one["leaf_value"]], np.float64)
    if one["decision_type"] != "<=":
        raise _unknown(tail, "a split by categories", "Encode these columns by OneHotEncoder.")
    threshold = float(one["threshold"])
    if one["missing_type"] == "NaN":
        missing_left = bool(one["default_left"])
    elif one["missing_type"] == "None":
        missing_left = threshold >= 0.0
    else:
        raise _unknown(tail, "zero_as_missing=True", "Mark what is missing as NaN.")
    left, right = places[id(one["left_child"])], places[id(one["right_child"])]
    return int(one["split_feature"]), threshold, left, right, missing_left, None


def _unknown(tail: TailGraph, what: str, remedy: str = "Fit it without.") -> Exception:
    return refusal(f"LightGBM with {what} is not known", where=tail.where, remedy=remedy)
