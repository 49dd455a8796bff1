"""Near-duplicates as stars: groups whose members are all near one of them, the medoid.

Groups made of chains (a is near b, b is near c) put pictures together that are not alike. In a star
every member reaches the threshold with the medoid. First the neighbours of every row are counted,
a block against a block, each pair once. Then the row with the most neighbours becomes a medoid and
takes those neighbours that no star has yet, and so on. Only counts and one star at a time are kept,
so memory does not grow with the number of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgefeat.search.products import Vectors
from edgefeat.search.rows import Block, Rows

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Star", "Stars", "find_stars"]

_MEDOIDS_AT_ONCE = 256
_ROWS_AT_ONCE = 1024  # pairs of blocks: 4 MB of cosines, 5 MB of each block

Positions = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Star:
    """One group.

    Attributes:
        medoid: The position of the row that all members are near to.
        members: The positions of the other rows, nearest first.
        scores: float32, the cosine of each of them to the medoid.
    """

    medoid: int
    members: Positions
    scores: Features


@dataclass(frozen=True, slots=True, kw_only=True)
class Stars:
    """All groups of a set.

    Attributes:
        stars: The groups, the one with the most members first.
        unplaced: Rows that are near to members of groups, but to no medoid.
    """

    stars: Sequence[Star]
    unplaced: Positions


def find_stars(
    rows: Rows,
    threshold: float,
    *,
    names: Sequence[str],
    on_rows: Callable[[int], None] = lambda _count: None,
) -> Stars:
    """Group the rows whose cosine reaches a threshold.

    The groups do not depend on the order of the rows, as long as no two rows have the same name.

    Args:
        rows: All rows of a set.
        threshold: The smallest cosine of near-duplicates.
        names: What the rows are called: among rows with as many neighbours, names decide.
        on_rows: Called with how many rows were just compared with all that follow them.

    Raises:
        SinkError: A number is not finite.
    """
    degrees = _count_neighbours(rows, threshold, on_rows)
    near = np.flatnonzero(degrees)
    by_degree = sorted(near.tolist(), key=lambda row: (-degrees[row], names[row], row))
    order = np.array(by_degree, np.intp)
    placed = np.zeros(len(rows), np.bool_)
    stars: list[Star] = []
    while len(left := order[~placed[order]]):
        some = left[:_MEDOIDS_AT_ONCE]
        linked = _links(rows, some, left, threshold)
        for medoid, links in zip(some, linked, strict=True):
            if not placed[medoid]:
                members = left[links & ~placed[left] & (left != medoid)]
                placed[medoid] = True
                if len(members):
                    placed[members] = True
                    stars.append(_star(rows, int(medoid), members))
    stars.sort(key=lambda star: -len(star.members))
    grouped = np.zeros(len(rows), np.bool_)
    for star in stars:
        grouped[[star.medoid, *star.members]] = True
    return Stars(stars=stars, unplaced=near[~grouped[near]])


def _count_neighbours(
    rows: Rows, threshold: float, on_rows: Callable[[int], None]
) -> NDArray[np.int64]:
    """Return how many other rows reach the threshold with each row."""
    degrees = np.zeros(len(rows), np.int64)
    for first in rows.blocks(_ROWS_AT_ONCE):
        vectors = Vectors(first.decode(), rows)
        begin = int(first.positions[0])
        for second in rows.blocks(_ROWS_AT_ONCE, skip=begin):
            linked = _reach(vectors, second, threshold)
            if linked is None:
                continue
            if second.positions[0] == begin:  # every pair once
                linked = np.triu(linked, 1)
            degrees[first.positions] += np.count_nonzero(linked, axis=1)
            degrees[second.positions] += np.count_nonzero(linked, axis=0)
        on_rows(len(first))
    return degrees


def _links(rows: Rows, some: Positions, others: Positions, threshold: float) -> NDArray[np.bool_]:
    """Return which of the other rows reach the threshold with some rows: `(some, others)`."""
    vectors = Vectors(rows.take(some), rows)
    linked = np.zeros((len(some), len(others)), np.bool_)
    for start in range(0, len(others), _ROWS_AT_ONCE):
        part = others[start : start + _ROWS_AT_ONCE]
        found = _reach(vectors, rows.picked(part), threshold)
        if found is not None:
            linked[:, start : start + len(part)] = found
    return linked


def _reach(vectors: Vectors, block: Block, threshold: float) -> NDArray[np.bool_] | None:
    """Return which pairs reach the threshold, `(Q, n)`; None if none does.

    What the quick look leaves open is computed exactly.
    """
    nearly = vectors.nearly(block)
    maybe: NDArray[np.bool_] = nearly >= threshold - vectors.margin
    if not maybe.any():
        return None
    open_pairs = maybe & (nearly < threshold + vectors.margin)
    of_vector, of_block = np.nonzero(open_pairs)
    scores = vectors.exactly(of_vector, block.positions[of_block])
    maybe[of_vector, of_block] = scores >= threshold
    return maybe


def _star(rows: Rows, medoid: int, members: Positions) -> Star:
    vectors = Vectors(rows.take(np.array([medoid])), rows)
    scores = vectors.exactly(np.zeros_like(members), members)
    order = np.lexsort((members, -scores))
    return Star(medoid=medoid, members=members[order], scores=scores[order])
