"""Groups of like pictures in a set: what a folder holds, at a glance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.search.kmeans import Groups, find_groups
from edgefeat.search.rows import Rows
from edgefeat.sets.names import encode_name

if TYPE_CHECKING:
    from edgefeat.arrays import Features

__all__ = ["Cluster", "Clusters", "find_clusters"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cluster:
    """One group.

    Attributes:
        paths: What the rows are called, the most typical first.
        rows: int64, their positions in the set.
        scores: float32, the cosine of each of them to the middle of the group.
    """

    paths: tuple[str, ...]
    rows: NDArray[np.intp]
    scores: Features

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """All groups of a set, the largest first.

    Attributes:
        groups: The groups.
        labels: The group of each row, by its position in `groups`.
        model: The model's name.
        fingerprint: The model's fingerprint.
    """

    groups: tuple[Cluster, ...]
    labels: NDArray[np.intp]
    model: str
    fingerprint: str

    def json_lines(self) -> Iterator[str]:
        """Yield one line of JSON for each group, with its newline."""
        for number, one in enumerate(self.groups):
            members: list[dict[str, Any]] = [
                {"path": encode_name(path), "score": round(score, 6)}
                for path, score in zip(one.paths, one.scores.tolist(), strict=True)
            ]
            yield json.dumps({"group": number, "size": len(one), "members": members}) + "\n"


def find_clusters(
    rows: Rows, paths: Sequence[str], k: int, *, model: str, fingerprint: str
) -> Clusters:
    """Divide the rows of a set into groups; see `FeatureSet.groups`.

    Args:
        rows: All rows of the set.
        paths: What they are called.
        k: How many groups, at most.
        model: The model's name.
        fingerprint: The model's fingerprint.
    """
    if not len(rows):
        nothing = np.empty(0, np.intp)
        return Clusters(groups=(), labels=nothing, model=model, fingerprint=fingerprint)
    found = find_groups(rows, min(k, len(rows)))
    groups = tuple(_cluster(found, number, paths) for number in range(len(found.centres)))
    return Clusters(groups=groups, labels=found.labels, model=model, fingerprint=fingerprint)


def _cluster(found: Groups, number: int, paths: Sequence[str]) -> Cluster:
    members = np.flatnonzero(found.labels == number)
    order = members[np.argsort(-found.scores[members], kind="stable")]
    return Cluster(paths=tuple(paths[row] for row in order), rows=order, scores=found.scores[order])
