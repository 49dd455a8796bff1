"""Inverts covariances, the same on every CPU: LAPACK's last bits depend on its kernels.

Blocks are factored column by column with single operations, which are exact to the last bit
everywhere; what one block does to the rest of the matrix is a product of `exact.matmul`.
"""

from __future__ import annotations

import numpy as np

from edgefeat_export.arrays import Floats
from edgefeat_export.quant import exact

__all__ = ["inverse_root"]

_BLOCK = 64


def inverse_root(covariance: Floats) -> Floats:
    """Return the upper triangular `U` with `U.T @ U` the inverse: `(groups, n, n)`.

    Args:
        covariance: `(groups, n, n)`, symmetric and positive definite.
    """
    # With the order of rows and columns reversed, the lower triangle of the matrix becomes the
    # upper one of its inverse.
    return np.ascontiguousarray(_lower_inverse(_cholesky(covariance[:, ::-1, ::-1]))[:, ::-1, ::-1])


def _cholesky(matrix: Floats) -> Floats:
    """Return the lower triangular `L` with `L @ L.T == matrix`."""
    left, size = matrix.copy(), matrix.shape[-1]
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        for k in range(start, stop):
            column = left[:, k:, k] / np.sqrt(left[:, k, k, None])
            left[:, k:, k] = column
            left[:, k + 1 :, k + 1 : stop] -= column[:, 1:, None] * column[:, None, 1 : stop - k]
        below = left[:, stop:, start:stop]
        left[:, stop:, stop:] -= exact.matmul(below, below.swapaxes(1, 2))
    return np.tril(left)


def _lower_inverse(lower: Floats) -> Floats:
    """Return the inverse of a lower triangular matrix."""
    size = lower.shape[-1]
    inverse = np.zeros_like(lower)
    inverse[:] = np.eye(size)
    for start in range(0, size, _BLOCK):
        stop = min(start + _BLOCK, size)
        if start:
            known = inverse[:, :start, :start]
            inverse[:, start:stop, :start] = -exact.matmul(lower[:, start:stop, :start], known)
        for k in range(start, stop):
            inverse[:, k, :stop] /= lower[:, k, k, None]
            below = lower[:, k + 1 : stop, k]
            inverse[:, k + 1 : stop, :stop] -= below[:, :, None] * inverse[:, k, None, :stop]
    return inverse
