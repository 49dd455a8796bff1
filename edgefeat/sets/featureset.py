"""A feature set read back: compared and searched only with sets of the same fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SinkError
from edgefeat.sets.base import SetInfo
from edgefeat.sets.encoding import Store, Stored
from edgefeat.sets.reading import read_set
from edgefeat.similarity import cosine_similarity, euclidean_distance

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor

__all__ = ["FeatureSet", "Neighbours"]

Features = NDArray[np.float32]
Metric = Literal["cosine", "euclidean"]
_METRICS: dict[str, Callable[[Features, Features], Features]] = {
    "cosine": cosine_similarity,
    "euclidean": euclidean_distance,
}
_BLOCK_ROWS = 4096


class Neighbours(NamedTuple):
    """For each query the rows nearest to it, best first.

    `indices` `(Q, k)` int64 are rows of the set, `scores` `(Q, k)` float32 their cosines or
    distances.
    """

    indices: NDArray[np.int64]
    scores: Features


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSet:
    """Named vectors with the fingerprint of what made them.

    Vectors stay as they are stored (float32, float16, or int8 with scales; shards of a folder
    stay on disk) and become float32 a block at a time, so results are those of the stored vectors
    and memory stays small.
    """

    info: SetInfo
    paths: tuple[str, ...]
    parts: tuple[Stored, ...]

    @classmethod
    def read(cls, path: str | Path) -> FeatureSet:
        """Read a file or folder that edgefeat wrote.

        A folder's vectors are mapped, not read, and held to their length; `edgefeat extract
        --resume` checks every byte against its hash.

        Raises:
            SinkError: It is not a feature set, is damaged, or mixes fingerprints.
        """
        info, paths, parts = read_set(Path(path))
        return cls(info=info, paths=tuple(paths), parts=tuple(parts))

    @classmethod
    def of(
        cls, features: Features, extractor: FeatureExtractor, *, paths: Sequence[str] | None = None
    ) -> FeatureSet:
        """Make a set of vectors that an extractor has just given: float32 `(N, D)` or `(D,)`."""
        rows = np.atleast_2d(np.asarray(features, np.float32))
        names = tuple(str(i) for i in range(len(rows))) if paths is None else tuple(paths)
        info = SetInfo.of(extractor)
        if rows.shape != (len(names), info.dim):
            raise ValueError(
                f"features: expected shape ({len(names)}, {info.dim}), got {rows.shape}"
            )
        return cls(info=info, paths=names, parts=(Stored(numbers=rows),))

    def __len__(self) -> int:
        return len(self.paths)

    def features(self) -> Features:
        """Return all vectors as float32 `(N, D)`."""
        blocks = list(self._blocks())
        return np.concatenate(blocks) if blocks else np.empty((0, self.info.dim), np.float32)

    def cosine_similarity(self, other: FeatureSet) -> Features:
        """Return the cosines of every vector with every vector of another set: `(N, M)`.

        Raises:
            SinkError: The sets have different fingerprints.
        """
        return self._against(other, cosine_similarity)

    def euclidean_distance(self, other: FeatureSet) -> Features:
        """Return the distances of every vector to every vector of another set: `(N, M)`.

        Raises:
            SinkError: The sets have different fingerprints.
        """
        return self._against(other, euclidean_distance)

    def nearest(self, queries: FeatureSet, k: int = 5, *, metric: Metric = "cosine") -> Neighbours:
        """Search this set, exactly, for the rows nearest to each query; ties keep their order.

        Raises:
            SinkError: The sets have different fingerprints.
        """
        self._check_comparable(queries)
        if metric not in _METRICS:
            raise ValueError(f"metric: expected {' or '.join(_METRICS)}, got {metric!r}")
        if k < 1:
            raise ValueError(f"k: expected 1 or more, got {k}")
        wanted, sign = queries.features(), -1 if metric == "cosine" else 1
        indices = np.empty((len(queries), 0), np.int64)
        scores = np.empty((len(queries), 0), np.float32)
        start = 0
        for block in self._blocks():
            here = np.arange(start, start + len(block))
            indices = np.hstack([indices, np.broadcast_to(here, (len(queries), len(block)))])
            scores = np.hstack([scores, _METRICS[metric](wanted, block)])
            best = np.argsort(sign * scores, axis=1, kind="stable")[:, :k]
            indices = np.take_along_axis(indices, best, axis=1)
            scores = np.take_along_axis(scores, best, axis=1)
            start += len(block)
        return Neighbours(indices=indices, scores=scores)

    def joined(self, other: FeatureSet) -> FeatureSet:
        """Return a set of this one's rows and then the other's.

        Raises:
            SinkError: The sets have different fingerprints.
        """
        self._check_comparable(other)
        store = self.info.store if self.info.store == other.info.store else Store.F32
        info = SetInfo(
            model=self.info.model,
            fingerprint=self.info.fingerprint,
            dim=self.info.dim,
            store=store,
        )
        return FeatureSet(info=info, paths=self.paths + other.paths, parts=self.parts + other.parts)

    def _against(
        self, other: FeatureSet, compare: Callable[[Features, Features], Features]
    ) -> Features:
        self._check_comparable(other)
        columns = other.features()
        result = np.empty((len(self), len(other)), np.float32)
        start = 0
        for block in self._blocks():
            result[start : start + len(block)] = compare(block, columns)
            start += len(block)
        return result

    def _blocks(self) -> Iterator[Features]:
        for part in self.parts:
            for start in range(0, len(part), _BLOCK_ROWS):
                yield part.decode(start, start + _BLOCK_ROWS)

    def _check_comparable(self, other: FeatureSet) -> None:
        if not isinstance(other, FeatureSet):
            raise TypeError(
                f"expected a FeatureSet, got {type(other).__name__}. FeatureSet.of(vectors, "
                "extractor) makes one, which says whose vectors they are."
            )
        mine, theirs = self.info, other.info
        if mine.fingerprint != theirs.fingerprint:
            raise SinkError(
                f"fingerprint: one set has {mine.fingerprint[:12]} (model {mine.model}), the other "
                f"{theirs.fingerprint[:12]} (model {theirs.model}). Vectors of different models or "
                "preprocessing cannot be compared: extract both with one model and one set of "
                "options."
            )
