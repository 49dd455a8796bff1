"""How pictures of one class differ among themselves, in a basis where that takes one division.

The scatter within the classes is the sum of r rᵀ over all rows, where r is a row minus the mean of
its class. A discriminant needs the inverse of (scatter + λ) between rows and class means, for many
λ. In the basis of the scatter's eigenvectors each λ costs N * D * K multiplications. What lies
outside of that basis (there are fewer rows than numbers in one) is divided by λ alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Products", "Spread"]

Array = NDArray[np.float64]
_SMALLEST = 1e-10  # times the largest eigenvalue; what is smaller is rounding


class Products(NamedTuple):
    """Inner products by the inverse of (scatter + λ); rows and means are taken from the centre.

    Attributes:
        rows: Each row with itself, float64 `(N,)`.
        rows_means: Rows with class means, float64 `(N, K)`.
        means: Class means with each other, float64 `(K, K)`.
    """

    rows: Array
    rows_means: Array
    means: Array


class Spread:
    """The scatter within classes, and rows and class means in its basis.

    Args:
        features: One row a picture, float64 `(N, D)`.
        labels: The class of each, `(N,)`, whole numbers from 0.
        classes: How many classes there are; each has a row at least.

    Attributes:
        counts: How many rows each class has, `(K,)`.
        means: The mean of each class, float64 `(K, D)`.
        centre: The mean of these means, float64 `(D,)`.
        eigenvalues: What the scatter has of them, but for rounding, float64 `(R,)`, descending.
        basis: Their eigenvectors, float64 `(D, R)`.
        scale: The mean of all D eigenvalues; 1 where all rows are their class's mean.
    """

    def __init__(self, features: Array, labels: NDArray[np.intp], classes: int) -> None:
        self.counts = np.bincount(labels, minlength=classes)
        self.means = _means(features, labels, self.counts)
        self.centre: Array = self.means.mean(axis=0)
        self.eigenvalues, self.basis = _eigen(features - self.means[labels])
        total = float(self.eigenvalues.sum())
        self.scale = total / features.shape[1] if total > 0 else 1.0
        rows, means = features - self.centre, self.means - self.centre
        self._rows, self._means = rows @ self.basis, means @ self.basis
        self._rows_out: Array = np.maximum(_squares(rows) - _squares(self._rows), 0)
        self._rows_means_out: Array = rows @ means.T - self._rows @ self._means.T
        self._means_out: Array = means @ means.T - self._means @ self._means.T

    @property
    def left(self) -> int:
        """How many directions the scatter does not have: D - R."""
        return len(self.centre) - len(self.eigenvalues)

    def products(self, ridge: float) -> Products:
        """Return the inner products by the inverse of (scatter + λ).

        Args:
            ridge: λ, above 0.
        """
        inverse = 1 / (self.eigenvalues + ridge)
        weighted = self._means * inverse
        return Products(
            rows=(self._rows**2) @ inverse + self._rows_out / ridge,
            rows_means=self._rows @ weighted.T + self._rows_means_out / ridge,
            means=self._means @ weighted.T + self._means_out / ridge,
        )

    def solved_means(self, ridge: float) -> Array:
        """Return the inverse of (scatter + λ) times the class means from the centre: `(K, D)`.

        Args:
            ridge: λ, above 0.
        """
        inside = self._means * (1 / (self.eigenvalues + ridge) - 1 / ridge)
        solved: Array = inside @ self.basis.T + (self.means - self.centre) / ridge
        return solved


def _means(features: Array, labels: NDArray[np.intp], counts: NDArray[np.intp]) -> Array:
    sums = np.zeros((len(counts), features.shape[1]))
    for label in range(len(counts)):
        sums[label] = features[labels == label].sum(axis=0)
    means: Array = sums / counts[:, np.newaxis]
    return means


def _eigen(residuals: Array) -> tuple[Array, Array]:
    """Return eigenvalues and eigenvectors of rᵀr, from the smaller of rᵀr and rrᵀ."""
    rows, dim = residuals.shape
    if rows >= dim:
        values, vectors = np.linalg.eigh(residuals.T @ residuals)
    else:
        values, vectors = np.linalg.eigh(residuals @ residuals.T)
    kept = np.flatnonzero(values > max(_SMALLEST * values[-1], 0.0))[::-1]
    values, vectors = values[kept], vectors[:, kept]
    if rows < dim:
        vectors = residuals.T @ vectors / np.sqrt(values)
    return values, vectors


def _squares(rows: Array) -> Array:
    squares: Array = np.einsum("ij,ij->i", rows, rows)
    return squares
