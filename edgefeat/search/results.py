"""What a search finds: rows of a set with their names and scores, best first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Match", "Matches", "Neighbours"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One row that was found.

    Attributes:
        path: What the row is called.
        score: Cosine to the query, or distance from it.
        row: Position in the set.
    """

    path: str
    score: float
    row: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matches(Sequence[Match]):
    """What was found for one query, best first: a sequence of `Match`.

    Attributes:
        paths: What the rows are called.
        scores: float32 `(k,)`, their cosines or distances.
        rows: int64 `(k,)`, their positions in the set.
    """

    paths: tuple[str, ...]
    scores: Features
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, key: int) -> Match: ...

    @overload
    def __getitem__(self, key: slice) -> Matches: ...

    def __getitem__(self, key: int | slice) -> Match | Matches:
        """Return one match, or the matches of a slice."""
        if isinstance(key, slice):
            return Matches(paths=self.paths[key], scores=self.scores[key], rows=self.rows[key])
        return Match(path=self.paths[key], score=float(self.scores[key]), row=int(self.rows[key]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbours(Sequence[Matches]):
    """What was found for several queries: a sequence with the `Matches` of each.

    Attributes:
        queries: What the queries are called.
        scores: float32 `(Q, k)`, cosines or distances, best first.
        rows: int64 `(Q, k)`, positions in the set.
        names: What all rows of the set are called.
    """

    queries: tuple[str, ...]
    scores: Features
    rows: NDArray[np.int64]
    names: Sequence[str]

    def __len__(self) -> int:
        """How many queries there are."""
        return len(self.queries)

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """What the rows are called, for each query."""
        return tuple(tuple(self.names[row] for row in rows) for rows in self.rows)

    @overload
    def __getitem__(self, key: int) -> Matches: ...

    @overload
    def __getitem__(self, key: slice) -> Neighbours: ...

    def __getitem__(self, key: int | slice) -> Matches | Neighbours:
        """Return the matches of one query, or those of some queries."""
        scores, rows = self.scores[key], self.rows[key]
        if isinstance(key, slice):
            return Neighbours(queries=self.queries[key], scores=scores, rows=rows, names=self.names)
        return Matches(paths=tuple(self.names[row] for row in rows), scores=scores, rows=rows)

    def __iter__(self) -> Iterator[Matches]:
        return (self[i] for i in range(len(self)))
