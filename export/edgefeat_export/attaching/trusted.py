"""Types that a saved pipeline may hold, beside those that skops itself calls safe: data.

All of them are scikit-learn's or ours, and compute or keep numbers. What is made of them is still
opened in a process of its own. Which of scikit-learn's types skops knows differs between versions
of both, so those of every estimator that can be attached stand here.
"""

from __future__ import annotations

__all__ = ["TRUSTED"]

_LINKS = ("IdentityLink", "Interval", "LogLink", "LogitLink", "MultinomialLogit")
_LOSSES = (
    *("AbsoluteError", "HalfBinomialLoss", "HalfGammaLoss", "HalfMultinomialLoss"),
    *("HalfPoissonLoss", "HalfSquaredError", "HuberLoss", "PinballLoss"),
)
TRUSTED = frozenset(
    {
        "edgefeat.sklearn.ImageFeatures",
        "edgefeat.sklearn.images.ImageFeatures",
        "numpy.dtype",
        *(f"numpy.{name}" for name in ("log1p", "log", "sqrt", "abs", "absolute", "exp")),
        "_loss.CyHalfMultinomialLoss",
        *(f"sklearn._loss.link.{name}" for name in _LINKS),
        *(f"sklearn._loss.loss.{name}" for name in _LOSSES),
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.calibration._TemperatureScaling",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
    }
)
"""Their full names."""
