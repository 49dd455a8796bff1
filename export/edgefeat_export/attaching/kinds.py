"""Which of scikit-learn's estimators can end a file, and what each of them gives."""

from __future__ import annotations

from typing import Any

from edgefeat_export.attaching.of_lightgbm import LIGHTGBM
from edgefeat_export.attaching.of_xgboost import XGBOOST
from edgefeat_export.attaching.refusing import class_of
from edgefeat_export.attaching.steps import bears_nan, keeps_nan, steps_of

__all__ = [
    "BOOSTED",
    "HIST",
    "KNOWN_ESTIMATORS",
    "LINEAR_CLASSIFIERS",
    "LINEAR_REGRESSORS",
    "MARGIN_CLASSIFIERS",
    "NEIGHBOURS",
    "PERCEPTRONS",
    "STACKS",
    "TREES",
    "VOTES",
    "has_decisions",
    "has_shares",
    "takes_nan",
]

LINEAR_CLASSIFIERS = ("LogisticRegression", "LogisticRegressionCV")
MARGIN_CLASSIFIERS = ("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron")
LINEAR_REGRESSORS = (
    *("ElasticNet", "ElasticNetCV", "Lasso", "LassoCV", "LinearRegression", "LinearSVR"),
    *("Ridge", "RidgeCV"),
)
_FORESTS = ("DecisionTree", "ExtraTree", "ExtraTrees", "RandomForest")
TREES = tuple(f"{name}{kind}" for name in _FORESTS for kind in ("Classifier", "Regressor"))
BOOSTED = ("GradientBoostingClassifier", "GradientBoostingRegressor")
HIST = ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
NEIGHBOURS = ("KNeighborsClassifier", "KNeighborsRegressor")
PERCEPTRONS = ("MLPClassifier", "MLPRegressor")
STACKS = ("StackingClassifier", "StackingRegressor")
VOTES = ("VotingClassifier", "VotingRegressor")
KNOWN_ESTIMATORS = tuple(
    sorted(
        (
            *LINEAR_CLASSIFIERS,
            *MARGIN_CLASSIFIERS,
            *LINEAR_REGRESSORS,
            *TREES,
            *BOOSTED,
            *HIST,
            *NEIGHBOURS,
            *PERCEPTRONS,
            *LIGHTGBM,
            *XGBOOST,
            *STACKS,
            *VOTES,
            "CalibratedClassifierCV",
            "SVC",
        )
    )
)
"""Classes that a file can end with."""


def takes_nan(model: Any) -> bool:
    """Return whether a missing number may come to a fitted estimator."""
    kind = class_of(model)
    if kind == "Pipeline":
        *before, last = steps_of(model)
        for step in before:
            if not (keeps_nan(step) and bears_nan(step)):
                return not keeps_nan(step)
        return takes_nan(last)
    if kind == "FrozenEstimator":
        return takes_nan(model.estimator)
    if kind in STACKS and model.passthrough and not takes_nan(model.final_estimator_):
        return False
    if kind in (*STACKS, *VOTES):
        return all(takes_nan(one) for one in model.estimators_)
    if kind == "CalibratedClassifierCV":
        return all(takes_nan(one.estimator) for one in model.calibrated_classifiers_)
    if kind in (*TREES, *HIST):
        from sklearn.utils import get_tags

        return bool(get_tags(model).input_tags.allow_nan)
    return kind in (*LIGHTGBM, *XGBOOST)


def has_shares(model: Any) -> bool:
    """Return whether an estimator gives probabilities."""
    kind = class_of(model)
    if kind == "SVC":
        return bool(model.probability) and hasattr(model, "predict_proba")
    if kind == "VotingClassifier":
        return bool(model.voting == "soft")
    return kind not in MARGIN_CLASSIFIERS


def has_decisions(kind: str) -> bool:
    """Return whether a class of estimators has a `decision_function`."""
    return kind in (*LINEAR_CLASSIFIERS, *MARGIN_CLASSIFIERS, *BOOSTED, *HIST, "SVC")
