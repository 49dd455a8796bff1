"""What a contact sheet shows: sections of pictures, with what is known of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgefeat.messages.counts import counted
from edgefeat.search.results import Matches
from edgefeat.sets.clusters import Clusters
from edgefeat.sets.duplicates import Copy, DuplicateGroup, Duplicates
from edgefeat.sets.photo_facts import PhotoFacts, facts_of
from edgefeat.sets.searchable import SearchableSet

__all__ = [
    "Card",
    "Section",
    "Sheet",
    "Table",
    "of_clusters",
    "of_duplicates",
    "of_search",
    "of_set",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One picture on a sheet.

    Attributes:
        path: The picture file.
        facts: What the file tells; None where it cannot be read.
        score: Cosine or distance to the section's first picture; None without one.
        badge: A word about it, such as `keep`; empty for none.
        marked: Whether it is marked when the page opens.
    """

    path: str
    facts: PhotoFacts | None
    score: float | None = None
    badge: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Pictures that belong together.

    Attributes:
        title: What they are.
        cards: The pictures, in order.
    """

    title: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Numbers of the whole page, above the pictures.

    Attributes:
        caption: What they are.
        header: The words above the columns; the first one stands above the names of the rows.
        rows: The name of each row, then a text for each column.
        marked: Cells to point out: row and column, both from 0, names not counted.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A whole page.

    Attributes:
        title: What the page shows.
        facts: What is true of the whole page, as sentences.
        sections: The pictures.
        table: Numbers above the pictures; None for none.
    """

    title: str
    facts: tuple[str, ...]
    sections: tuple[Section, ...]
    table: Table | None = None

    @property
    def paths(self) -> list[str]:
        """All pictures, in the order in which they are shown."""
        return [card.path for section in self.sections for card in section.cards]


def of_duplicates(found: Duplicates) -> Sheet:
    """Return the sheet of near-duplicates: a section for each group, the picture to keep first."""
    level = "" if found.level is None else f" ({found.level})"
    facts = [
        f"{counted(len(found.groups), 'group')} among {counted(found.rows, 'picture')}. Every "
        f"picture of a group has a cosine of {found.threshold:.3f} or more to its medoid{level}.",
        "Marked are all pictures but those to keep, which have the most pixels, then the most "
        "bytes. Nothing was deleted.",
    ]
    if found.background.p999 is not None:
        facts.append(
            f"Of {found.background.pairs} pairs drawn by chance 99.9 % are below "
            f"{found.background.p999:.3f}."
        )
    if found.is_crowded:
        facts.append(
            "Pictures of this set drawn by chance reach the threshold: they are all alike, and "
            "groups say little."
        )
    facts.append(f"Model {found.model}, fingerprint {found.fingerprint[:12]}.")
    sections = [_group(number, group) for number, group in enumerate(found.groups)]
    return Sheet(title="Near-duplicates", facts=tuple(facts), sections=tuple(sections))


def of_search(there: SearchableSet, found: Sequence[tuple[str, Matches]], *, metric: str) -> Sheet:
    """Return the sheet of searches: a section for each photo, then its nearest.

    Args:
        there: The set that was searched.
        found: Each photo's path, and what was found for it.
        metric: What the scores are: `cosine` or `euclidean`.
    """
    sections = []
    for query, matches in found:
        cards = [Card(path=query, facts=facts_of(query), badge="query")]
        cards += [Card(path=m.path, facts=facts_of(m.path), score=m.score) for m in matches]
        sections.append(Section(title=f"Nearest to {query}", cards=tuple(cards)))
    scores = "cosines, the nearest first" if metric == "cosine" else "distances, the nearest first"
    facts = (f"Found among {len(there)} pictures. The numbers are {scores}.", _model(there))
    return Sheet(title="Nearest pictures", facts=facts, sections=tuple(sections))


def of_clusters(there: SearchableSet, found: Clusters) -> Sheet:
    """Return the sheet of groups: a section for each, the most typical picture first."""
    sections = tuple(
        Section(
            title=f"Group {number + 1}: {len(group)} pictures",
            cards=tuple(
                Card(path=path, facts=facts_of(path), score=score)
                for path, score in zip(group.paths, group.scores.tolist(), strict=True)
            ),
        )
        for number, group in enumerate(found.groups)
    )
    facts = (
        f"{counted(len(there), 'picture')} in {counted(len(sections), 'group')}. The numbers "
        "are cosines to the middle of the group, the most typical picture first.",
        _model(there),
    )
    return Sheet(title="Groups of like pictures", facts=facts, sections=sections)


def of_set(there: SearchableSet) -> Sheet:
    """Return the sheet of a whole set: a section for each folder, in the set's order."""
    folders: dict[str, list[Card]] = {}
    for path in there.paths:
        folder = path.rpartition("/")[0] or "."
        folders.setdefault(folder, []).append(Card(path=path, facts=facts_of(path)))
    sections = tuple(Section(title=folder, cards=tuple(cards)) for folder, cards in folders.items())
    facts = (
        f"{counted(len(there), 'picture')} in {counted(len(sections), 'folder')}.",
        _model(there),
    )
    return Sheet(title="Contact sheet", facts=facts, sections=sections)


def _group(number: int, group: DuplicateGroup) -> Section:
    copies = [group.keep, *group.others]
    cards = tuple(
        Card(
            path=copy.path,
            facts=copy.facts,
            score=copy.score,
            badge=_badge(copy, group),
            marked=copy is not group.keep,
        )
        for copy in copies
    )
    return Section(title=f"Group {number + 1}: {len(cards)} pictures", cards=cards)


def _badge(copy: Copy, group: DuplicateGroup) -> str:
    if copy is group.keep:
        return "keep"
    return "medoid" if copy is group.medoid else copy.level or ""


def _model(there: SearchableSet) -> str:
    return f"Model {there.info.model}, fingerprint {there.info.fingerprint[:12]}."
