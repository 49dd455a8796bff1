"""Near-duplicates in a set: groups around a medoid, with the picture that is best kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from edgefeat.search.background import Background, measure_background
from edgefeat.search.rows import Rows
from edgefeat.search.stars import Star, find_stars
from edgefeat.sets.names import encode_name
from edgefeat.sets.photo_facts import PhotoFacts, facts_of

if TYPE_CHECKING:
    from edgefeat.model.spec import Similarity

__all__ = ["Copy", "DuplicateGroup", "Duplicates", "Level", "find_duplicates"]


class Level(StrEnum):
    """How alike pictures are, in words; a model's file says which cosine each takes."""

    SAME = "same"
    NEAR = "near"
    LOOK = "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One picture of a group.

    Attributes:
        path: What the row is called.
        row: Position in the set.
        score: Cosine to the medoid; the medoid's own is 1.
        level: `same`, `near` or `look`; None below them, and where the model states no levels.
        facts: What its file tells; None where it cannot be read.
    """

    path: str
    row: int
    score: float
    level: Level | None
    facts: PhotoFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Pictures that are all near to one of them.

    Attributes:
        copies: The pictures, first the medoid, which all others are near to, then the nearest.
        keep: The one to keep: with the most pixels, then the most bytes, then nearest to the
            medoid. Where no file can be read it is the medoid.
    """

    copies: tuple[Copy, ...]
    keep: Copy

    @property
    def medoid(self) -> Copy:
        """The picture that all others are near to."""
        return self.copies[0]

    @property
    def others(self) -> tuple[Copy, ...]:
        """All pictures but the one to keep."""
        return tuple(copy for copy in self.copies if copy is not self.keep)

    def as_dict(self) -> dict[str, Any]:
        """Return the group as JSON has it: a line of `edgefeat duplicates -o groups.jsonl`."""
        return {
            "keep": encode_name(self.keep.path),
            "medoid": encode_name(self.medoid.path),
            "members": [_as_dict(copy) for copy in self.copies],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """All groups of near-duplicates in a set.

    Attributes:
        groups: The groups, the largest first.
        threshold: The smallest cosine of a member to its medoid.
        level: What the threshold is called; None where it was given as a number.
        background: How alike pictures of this set are anyway.
        unplaced: Pictures that are near to a member of a group, but to no medoid: alone.
        rows: How many pictures were compared.
        model: The model's name.
        fingerprint: The model's fingerprint.
    """

    groups: tuple[DuplicateGroup, ...]
    threshold: float
    level: Level | None
    background: Background
    unplaced: tuple[str, ...]
    rows: int
    model: str
    fingerprint: str

    @property
    def others(self) -> tuple[Copy, ...]:
        """All pictures of all groups but those to keep."""
        return tuple(copy for group in self.groups for copy in group.others)

    @property
    def is_crowded(self) -> bool:
        """Whether pictures of this set that were drawn by chance reach the threshold."""
        known = (self.background.median, self.background.p999)
        return any(cosine is not None and cosine >= self.threshold for cosine in known)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {
            "model": self.model,
            "fingerprint": self.fingerprint,
            "rows": self.rows,
            "level": self.level,
            "threshold": self.threshold,
            "background": {
                "pairs": self.background.pairs,
                "median": self.background.median,
                "p999": self.background.p999,
            },
            "crowded": self.is_crowded,
            "unplaced": [encode_name(path) for path in self.unplaced],
            "groups": [group.as_dict() for group in self.groups],
        }

    def json_lines(self) -> Iterator[str]:
        """Yield one line of JSON for each group, with its newline."""
        for number, group in enumerate(self.groups):
            yield json.dumps({"group": number, **group.as_dict()}) + "\n"


def find_duplicates(
    rows: Rows,
    paths: Sequence[str],
    threshold: float,
    *,
    similarity: Similarity | None,
    level: Level | None,
    model: str,
    fingerprint: str,
    on_rows: Callable[[int], None] = lambda _count: None,
) -> Duplicates:
    """Group the rows of a set whose cosine reaches a threshold; see `FeatureSet.duplicates`.

    Args:
        rows: All rows of the set.
        paths: What they are called.
        threshold: The smallest cosine of a member to its medoid.
        similarity: Which cosine each level takes; None leaves levels out.
        level: What the threshold is called.
        model: The model's name.
        fingerprint: The model's fingerprint.
        on_rows: Called with how many rows were just compared.
    """
    found = find_stars(rows, threshold, names=paths, on_rows=on_rows)
    return Duplicates(
        groups=tuple(_group(star, paths, similarity) for star in found.stars),
        threshold=threshold,
        level=level,
        background=measure_background(rows),
        unplaced=tuple(paths[row] for row in found.unplaced),
        rows=len(rows),
        model=model,
        fingerprint=fingerprint,
    )


def _group(star: Star, paths: Sequence[str], similarity: Similarity | None) -> DuplicateGroup:
    scored = [(star.medoid, 1.0), *zip(star.members.tolist(), star.scores.tolist(), strict=True)]
    copies = tuple(
        Copy(
            path=paths[row],
            row=row,
            score=score,
            level=_level(score, similarity),
            facts=facts_of(paths[row]),
        )
        for row, score in scored
    )
    return DuplicateGroup(copies=copies, keep=max(copies, key=_worth))


def _worth(copy: Copy) -> tuple[int, int, float]:
    """Order copies by what speaks for keeping them; of equals, `max` takes the first."""
    if copy.facts is None:
        return -1, -1, copy.score
    return copy.facts.pixels, copy.facts.size_bytes, copy.score


def _level(score: float, similarity: Similarity | None) -> Level | None:
    if similarity is None:
        return None
    levels = (
        (Level.SAME, similarity.same),
        (Level.NEAR, similarity.near),
        (Level.LOOK, similarity.look),
    )
    return next((level for level, least in levels if score >= least), None)


def _as_dict(copy: Copy) -> dict[str, Any]:
    facts = copy.facts
    return {
        "path": encode_name(copy.path),
        "score": round(copy.score, 6),
        "level": copy.level,
        "height": None if facts is None else facts.size_hw[0],
        "width": None if facts is None else facts.size_hw[1],
        "bytes": None if facts is None else facts.size_bytes,
    }
