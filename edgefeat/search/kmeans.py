"""Groups of rows that point the same way: spherical k-means, a block of the set at a time.

Written here rather than taken from scikit-learn, because that wants all rows as float32 in memory,
and 100 MB of packages on a device. Centres are found among a sample that is drawn by chance, from
several starts (k-means++), and then moved over the whole set. Equal sets give equal groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgefeat.measures.similarity import l2_normalise
from edgefeat.search.rows import Rows

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Groups", "find_groups"]

_SAMPLE, _STARTS, _SEED = 4096, 4, 0
_MOST_ROUNDS = 30
_ROWS_AT_ONCE = 2048

Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """Which group each row is in.

    Attributes:
        labels: The group of each row, `(N,)`; group 0 has the most rows.
        scores: float32 `(N,)`, the cosine of each row to its group's centre.
        centres: float32 `(k, D)`, unit vectors.
    """

    labels: Labels
    scores: Features
    centres: Features


def find_groups(rows: Rows, k: int) -> Groups:
    """Divide the rows of a set into groups of like direction.

    Args:
        rows: At least one row.
        k: How many groups; fewer come where there are not as many different rows.

    Raises:
        SinkError: A number is not finite.
    """
    lengths = rows.lengths  # which refuses what is not finite
    draw = np.random.default_rng(_SEED)
    drawn = np.arange(len(rows))
    if len(rows) > max(_SAMPLE, 8 * k):
        drawn = np.sort(draw.choice(len(rows), max(_SAMPLE, 8 * k), replace=False))
    sample = l2_normalise(rows.take(drawn))
    starts = [_settled(sample, _first_centres(sample, k, draw)) for _ in range(_STARTS)]
    centres = max(starts, key=lambda one: float((sample @ one.T).max(axis=1).sum()))
    labels = np.full(len(rows), -1, np.intp)
    for _ in range(_MOST_ROUNDS):
        before, sums = labels.copy(), np.zeros_like(centres)
        scores = np.empty(len(rows), np.float32)
        for block in rows.blocks(_ROWS_AT_ONCE):
            units = l2_normalise(block.decode())
            labels[block.positions], scores[block.positions] = _nearest(units, centres)
            _add(sums, units, labels[block.positions])
        if np.array_equal(before, labels):
            break
        centres = _moved(centres, sums)
    return _by_size(labels, scores, centres, zero=lengths == 0)


def _first_centres(sample: Features, k: int, draw: np.random.Generator) -> Features:
    """Choose rows far from each other, by chance (k-means++)."""
    chosen = [int(draw.integers(len(sample)))]
    far = 1 - sample @ sample[chosen[0]]
    while len(chosen) < k:
        weights = np.maximum(far, 0).astype(np.float64)
        weights[weights < 1e-6] = 0  # the same row again, but for rounding
        if not weights.any():
            break
        chosen.append(int(draw.choice(len(sample), p=weights / weights.sum())))
        far = np.minimum(far, 1 - sample @ sample[chosen[-1]])
    return sample[chosen].copy()


def _settled(units: Features, centres: Features) -> Features:
    """Move centres over rows in memory until nothing changes."""
    before: Labels | None = None
    for _ in range(_MOST_ROUNDS):
        labels, _ = _nearest(units, centres)
        if before is not None and np.array_equal(labels, before):
            break
        sums = np.zeros_like(centres)
        _add(sums, units, labels)
        centres, before = _moved(centres, sums), labels
    return centres


def _nearest(units: Features, centres: Features) -> tuple[Labels, Features]:
    cosines = units @ centres.T
    labels = cosines.argmax(axis=1)
    return labels, cosines[np.arange(len(units)), labels]


def _add(sums: Features, units: Features, labels: Labels) -> None:
    """Add every row to the sum of its group."""
    member = (labels == np.arange(len(sums))[:, np.newaxis]).astype(np.float32)
    sums += member @ units


def _moved(centres: Features, sums: Features) -> Features:
    """Return the groups' middles; an empty group stays where it is."""
    empty = ~sums.any(axis=1)
    moved = l2_normalise(sums)
    moved[empty] = centres[empty]
    return moved


def _by_size(
    labels: Labels, scores: Features, centres: Features, *, zero: NDArray[np.bool_]
) -> Groups:
    """Number the groups by size, and leave out empty ones."""
    sizes = np.bincount(labels, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    renamed = np.zeros(len(centres), np.intp)
    renamed[order] = np.arange(len(order))
    scores[zero] = 0
    return Groups(labels=renamed[labels], scores=np.clip(scores, -1, 1), centres=centres[order])
