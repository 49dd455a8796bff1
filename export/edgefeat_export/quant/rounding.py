"""Rounds weights so that the errors cancel on real inputs (GPTQ, Frantar et al. 2023).

First, weights are fitted (`fit`): they move to where the layer's output is nearest to that of the
float layer, for the inputs that the quantized network really delivers. So a layer repairs what the
layers before it have lost.

Then the columns are rounded one by one (`round_weights`). The error of each column is pushed into
the columns that are not rounded yet, as much as the inputs of both vary together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.arrays import Floats
from edgefeat_export.quant import exact
from edgefeat_export.quant.limits import WeightLimits
from edgefeat_export.quant.linear import inverse_root

__all__ = ["fit", "round_weights"]

_BLOCK = 128  # columns between updates of all the later ones


def fit(weight: Floats, delivered: Floats, crossed: Floats, *, ridge: float) -> Floats:
    """Return the weights that reproduce the float layer from the delivered inputs.

    Args:
        weight: `(groups, out, taps)`.
        delivered: `(groups, taps, taps)`, covariance of the delivered inputs.
        crossed: Covariance of the float inputs (rows) with the delivered ones (columns).
        ridge: How much to stay at `weight`, relative to the inputs' mean variance.
    """
    pull = ridge * _mean_variance(delivered) * np.eye(delivered.shape[-1])  # towards `weight`
    target = exact.matmul(weight, crossed + pull)
    root = inverse_root(delivered + pull)
    return exact.matmul(exact.matmul(target, root.swapaxes(1, 2)), root)


def round_weights(
    weight: Floats, scale: Floats, covariance: Floats, *, limits: WeightLimits, damp: float
) -> NDArray[np.int8]:
    """Round to multiples of `scale`, and push each column's error into the later ones.

    Args:
        weight: float64 `(groups, out, taps)`.
        scale: float64 `(groups, out)`.
        covariance: Covariance of the inputs, float64 `(groups, taps, taps)`.
        limits: What the integers may be.
        damp: Added to the diagonal of the covariance, relative to the mean variance.

    Returns:
        The integers, int8 `(groups, out, taps)`.
    """
    taps = covariance.shape[-1]
    damped = covariance + damp * _mean_variance(covariance) * np.eye(taps)
    order = np.argsort(-np.diagonal(damped, axis1=1, axis2=2), axis=1, kind="stable")
    damped = np.take_along_axis(damped, order[:, :, None], 1)
    damped = np.take_along_axis(damped, order[:, None, :], 2)
    factor = inverse_root(damped)
    remaining = np.take_along_axis(limits.fitted(weight, scale), order[:, None, :], 2)
    rounded = np.zeros_like(weight)  # in the taps' own order
    groups = np.arange(len(weight))
    for start in range(0, taps, _BLOCK):
        stop = min(start + _BLOCK, taps)
        errors = np.empty_like(remaining[:, :, start:stop])
        for column in range(start, stop):
            low, high = limits.bounds(rounded, order[:, column])
            levels = np.clip(np.rint(remaining[:, :, column] / scale), low, high)
            rounded[groups, :, order[:, column]] = levels
            error = remaining[:, :, column] - levels * scale
            error /= factor[:, column, column, None]
            later = factor[:, None, column, column + 1 : stop]
            remaining[:, :, column + 1 : stop] -= error[:, :, None] * later
            errors[:, :, column - start] = error
        remaining[:, :, stop:] -= exact.matmul(errors, factor[:, start:stop, stop:])
    return rounded.astype(np.int8)


def _mean_variance(covariance: Floats) -> Floats:
    diagonal = np.diagonal(covariance, axis1=1, axis2=2)
    mean = exact.sum_in_order(diagonal, 1) / diagonal.shape[1]
    # Without this floor, a group whose inputs never vary could not be solved.
    floor = 1e-4 * float(mean.max()) + 1e-12
    return np.asarray(np.maximum(mean, floor)[:, None, None], np.float64)
