"""XGBoost's trees: its own JSON, compared in float32 as XGBoost compares.

A row goes left where its number, rounded to float32, is less than the condition; what is missing
goes where the tree learnt to send it. Of float32 numbers `x < c` is `x <= d`, where d is the
largest one below c.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgefeat_export.attaching.refusing import refusal
from edgefeat_export.attaching.steps import single_precision
from edgefeat_export.attaching.tail import Matrix, TailGraph
from edgefeat_export.attaching.trees import Node, Tree, add_ensemble

__all__ = ["XGBOOST", "add_xgboost"]

XGBOOST = ("xgboost.sklearn.XGBClassifier", "xgboost.sklearn.XGBRegressor")
_AS_IT_IS = (
    *("multi:softmax", "multi:softprob", "reg:absoluteerror", "reg:pseudohubererror"),
    *("reg:quantileerror", "reg:squarederror", "reg:squaredlogerror"),
)
_EXPONENTIAL = ("count:poisson", "reg:gamma", "reg:tweedie")


def add_xgboost(tail: TailGraph, model: Any, matrix: Matrix) -> Matrix:
    """Add a model of XGBoost; return its raw scores, or the number that it predicts.

    Args:
        tail: The graph.
        model: XGBClassifier or XGBRegressor.
        matrix: The rows.

    Returns:
        float64 `(N, K)`; of two classes the score of the second, whose sigmoid is its probability.

    Raises:
        ConversionError: It splits by categories, marks missing numbers by another than NaN, or is
            of another kind than boosted trees with single leaves.
    """
    if not np.isnan(model.missing):
        raise _unknown(tail, f"missing={model.missing}", "Mark what is missing as NaN.")
    booster = model.get_booster()
    if (best := getattr(model, "best_iteration", None)) is not None:
        booster = booster[: best + 1]  # as it predicts itself after it stopped early
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    kind = learner["gradient_booster"]["name"]
    if kind != "gbtree":
        raise _unknown(tail, f"booster={kind!r}")
    forest = learner["gradient_booster"]["model"]
    count = max(int(learner["learner_model_param"]["num_class"]), 1)
    if int(learner["learner_model_param"].get("num_target", 1)) > 1:
        raise refusal("several numbers for a row are not known", where=tail.where)
    trees: list[Tree] = [
        (int(target), _nodes(tail, one))
        for target, one in zip(forest["tree_info"], forest["trees"], strict=True)
    ]
    objective = learner["objective"]["name"]
    raw = add_ensemble(tail, single_precision(tail, matrix), trees, count)
    raw = tail.apply("Add", raw, _margin(tail, learner, objective))
    if objective in _EXPONENTIAL:
        return Matrix(tail.add("Exp", [raw.name]), raw.width)
    if objective == "reg:logistic":
        return Matrix(tail.add("Sigmoid", [raw.name]), raw.width)
    return raw


def _margin(tail: TailGraph, learner: Mapping[str, Any], objective: str) -> Any:
    """Return what the sums start from: the base score, as the objective's own scale has it."""
    text = str(learner["learner_model_param"]["base_score"]).strip("[]")
    base = np.array([float(one) for one in text.split(",")])
    if objective in ("binary:logistic", "reg:logistic"):
        return np.log(base / (1 - base))
    if objective in _EXPONENTIAL:
        return np.log(base)
    if objective in _AS_IT_IS:
        return base
    raise _unknown(tail, f"objective={objective!r}")


def _nodes(tail: TailGraph, tree: Mapping[str, Any]) -> list[Node]:
    if any(tree["split_type"]):
        raise _unknown(tail, "a split by categories", "Encode these columns by OneHotEncoder.")
    if int(tree["tree_param"].get("size_leaf_vector", 1)) > 1:
        raise _unknown(tail, "multi_strategy='multi_output_tree'")
    found: list[Node] = []
    conditions = np.array(tree["split_conditions"], np.float32)
    for at, left in enumerate(tree["left_children"]):
        right, missing_left = tree["right_children"][at], bool(tree["default_left"][at])
        if left < 0:
            leaf = conditions[at : at + 1].astype(np.float64)
            found.append((0, 0.0, -1, -1, False, leaf))
            continue
        below = np.nextafter(conditions[at], np.float32(-np.inf))
        found.append((tree["split_indices"][at], float(below), left, right, missing_left, None))
    return found


def _unknown(tail: TailGraph, what: str, remedy: str = "Fit it without.") -> Exception:
    return refusal(f"XGBoost with {what} is not known", where=tail.where, remedy=remedy)
