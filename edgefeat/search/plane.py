"""Rows laid out in a plane, so that people can look at a whole set: like rows lie together.

The principal components keep the two directions in which the set varies most. They need no other
package and are the same each time. UMAP, where it is installed, pulls groups further apart.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.errors import DependencyError
from edgefeat.measures.similarity import l2_normalise
from edgefeat.search.rows import Rows

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Layout", "lay_out"]

_SAMPLE, _SEED = 2000, 0
_ROWS_AT_ONCE = 2048


class Layout(StrEnum):
    """How rows come into the plane."""

    PCA = "pca"
    UMAP = "umap"


def lay_out(rows: Rows, layout: Layout) -> Features:
    """Return a place in the plane for each row: float32 `(N, 2)`.

    Only directions count: rows are scaled to unit length first.

    Raises:
        DependencyError: UMAP was asked for and is missing.
        SinkError: A number is not finite.
    """
    lengths = rows.lengths  # which refuses what is not finite
    if not len(lengths):
        return np.empty((0, 2), np.float32)
    return _by_umap(rows) if layout is Layout.UMAP else _by_components(rows)


def _by_components(rows: Rows) -> Features:
    drawn = np.arange(len(rows))
    if len(rows) > _SAMPLE:
        drawn = np.sort(np.random.default_rng(_SEED).choice(len(rows), _SAMPLE, replace=False))
    sample = l2_normalise(rows.take(drawn).astype(np.float64))
    middle = sample.mean(axis=0)
    sample -= middle
    # The products of a few rows are fewer numbers than those of all dimensions.
    values, vectors = np.linalg.eigh(sample @ sample.T)
    axes = np.zeros((2, sample.shape[1]))
    for number, at in enumerate(np.argsort(-values)[:2]):
        axis = vectors[:, at] @ sample
        length = np.linalg.norm(axis)
        if length > 0:
            axis *= np.sign(axis[np.abs(axis).argmax()]) / length  # a sign would be chance
        axes[number] = axis
    places = np.empty((len(rows), 2), np.float32)
    for block in rows.blocks(_ROWS_AT_ONCE):
        units = l2_normalise(block.decode().astype(np.float64))
        places[block.positions] = (units - middle) @ axes.T
    return places


def _by_umap(rows: Rows) -> Features:
    try:
        from umap import UMAP
    except ImportError as error:
        raise DependencyError(
            "this layout needs UMAP", remedy="Install it with `pip install umap-learn`."
        ) from error
    every = np.concatenate([block.decode() for block in rows.blocks(_ROWS_AT_ONCE)])
    places = UMAP(metric="cosine", random_state=_SEED, n_jobs=1).fit_transform(every)
    return np.asarray(places, np.float32)
