"""How near two feature sets of the same pictures come to each other, row by row.

Whoever compares features uses these figures: the exporter against Keras, int8 against float, stored
numbers against the ones they came from, a device against the probe. One rule for vectors without a
direction: two zero vectors agree (cosine 1, relative L2 0). A zero vector and another one do not
(cosine 0; relative L2 is 1 if the other one is the reference, infinite if the zero vector is). What
is not a finite number makes figures that are not finite, which pass no limit.

Sums are taken in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.measures.similarity import cosine_similarity

__all__ = [
    "NEIGHBOURS",
    "NEIGHBOURS_NEED",
    "P1_NEEDS",
    "Agreement",
    "compare",
    "paired_cosines",
    "relative_l2",
]

P1_NEEDS = 100
"""Fewer pictures than this say nothing of the worst one in a hundred: `cosine_p1` is None."""
NEIGHBOURS = 10
"""How many nearest neighbours are compared."""
NEIGHBOURS_NEED = 2 * NEIGHBOURS
"""Among fewer pictures than this, neighbours are shared by chance: their overlap is None."""

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a comparison of two feature sets of the same pictures found.

    Attributes:
        pictures: How many pictures were compared.
        cosine_mean: Mean cosine of a picture's two vectors.
        cosine_p1: The cosine that 99 of 100 pictures reach; None below `P1_NEEDS` pictures.
        cosine_min: The lowest cosine.
        relative_l2_mean: Mean of |difference| / |reference|, L2 norms over a picture's vector.
        relative_l2_max: The largest.
        neighbour_overlap_10: Share of each picture's ten nearest neighbours, by cosine, that both
            sets agree on; None below `NEIGHBOURS_NEED` pictures.
    """

    pictures: int
    cosine_mean: float
    cosine_p1: float | None
    cosine_min: float
    relative_l2_mean: float
    relative_l2_max: float
    neighbour_overlap_10: float | None


def compare(reference: Features, features: Features) -> Agreement:
    """Compare two feature sets of the same pictures.

    Args:
        reference: float32 `(N, D)`, N at least 1.
        features: float32 `(N, D)`, in the same order.
    """
    cosines = paired_cosines(reference, features)
    errors = relative_l2(reference, features)
    count = len(cosines)
    return Agreement(
        pictures=count,
        cosine_mean=float(cosines.mean()),
        cosine_p1=float(np.percentile(cosines, 1)) if count >= P1_NEEDS else None,
        cosine_min=float(cosines.min()),
        relative_l2_mean=float(errors.mean()),
        relative_l2_max=float(errors.max()),
        neighbour_overlap_10=_overlap(reference, features) if count >= NEIGHBOURS_NEED else None,
    )


def paired_cosines(reference: Features, features: Features) -> Figures:
    """Return the cosine of each row of one set and the same row of the other.

    Args:
        reference: `(N, D)`.
        features: `(N, D)`.

    Returns:
        float64 `(N,)`, -1 to 1.
    """
    a, b = reference.astype(np.float64), features.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinities make NaN, which passes no limit
        dots = np.einsum("nd,nd->n", a, b)
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosines = np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths != 0)
    both_zero = ~(a.any(axis=1) | b.any(axis=1))
    result: Figures = np.clip(np.where(both_zero, 1.0, cosines), -1.0, 1.0)
    return result


def relative_l2(reference: Features, features: Features) -> Figures:
    """Return |features - reference| / |reference| of each row, L2 norms.

    Args:
        reference: `(N, D)`.
        features: `(N, D)`.

    Returns:
        float64 `(N,)`, 0 and up.
    """
    a = reference.astype(np.float64)
    with np.errstate(invalid="ignore"):
        differences = np.linalg.norm(features.astype(np.float64) - a, axis=1)
        lengths = np.linalg.norm(a, axis=1)
        from_zero = np.where(differences == 0, 0.0, np.inf)
        result: Figures = np.divide(differences, lengths, out=from_zero, where=lengths != 0)
    return result


def _overlap(reference: Features, features: Features) -> float:
    pairs = zip(_nearest(reference), _nearest(features), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / NEIGHBOURS for a, b in pairs]))


def _nearest(features: Features) -> NDArray[np.intp]:
    similarity = cosine_similarity(features, features)
    np.fill_diagonal(similarity, -2.0)  # below every cosine: no picture is its own neighbour
    return np.argsort(-similarity, axis=1, kind="stable")[:, :NEIGHBOURS]
