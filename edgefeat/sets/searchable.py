"""What can be found in a set: the nearest rows, compared only with rows of the same fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from edgefeat.errors import OptionError
from edgefeat.options import checks
from edgefeat.search.best import Best, find_best
from edgefeat.search.products import Metric
from edgefeat.search.results import Matches, Neighbours
from edgefeat.search.rows import Rows
from edgefeat.sets.contents import SetContents
from edgefeat.sets.frames import Frames
from edgefeat.sets.info import SetInfo
from edgefeat.sets.matching import check_comparable
from edgefeat.sets.queries import OneQuery, vector_of, wanted_rows

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.extractor import FeatureExtractor
    from edgefeat.search.background import Background
    from edgefeat.search.index import Index
    from edgefeat.sets.clusters import Clusters
    from edgefeat.sets.duplicates import Duplicates

__all__ = ["SearchableSet"]

LevelName = Literal["same", "near", "look"]
LayoutName = Literal["pca", "umap"]
MetricName = Literal["cosine", "euclidean"]


class SearchableSet:
    """A set that can be searched; `edgefeat.FeatureSet` is one.

    Args:
        contents: What a file or folder holds.
    """

    def __init__(self, contents: SetContents) -> None:
        self._contents = contents
        self.paths: tuple[str, ...] = tuple(contents.paths)
        self._index: Index | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def info(self) -> SetInfo:
        """What all rows have in common: model, fingerprint, outputs, how numbers are kept."""
        return self._contents.info

    @property
    def frames(self) -> Frames | None:
        """When the frames of a stream were taken, as arrays; None for pictures."""
        return self._contents.frames

    @overload
    def search(
        self,
        query: SearchableSet,
        k: int = ...,
        *,
        metric: MetricName = ...,
        where: str | None = ...,
        label: str | None = ...,
        since: float | None = ...,
        until: float | None = ...,
        approximate: bool = ...,
        extractor: FeatureExtractor | None = ...,
        on_rows: Callable[[int], None] = ...,
    ) -> Neighbours: ...

    @overload
    def search(
        self,
        query: OneQuery,
        k: int = ...,
        *,
        metric: MetricName = ...,
        where: str | None = ...,
        label: str | None = ...,
        since: float | None = ...,
        until: float | None = ...,
        approximate: bool = ...,
        extractor: FeatureExtractor | None = ...,
        on_rows: Callable[[int], None] = ...,
    ) -> Matches: ...

    def search(
        self,
        query: SearchableSet | OneQuery,
        k: int = 5,
        *,
        metric: MetricName = "cosine",
        where: str | None = None,
        label: str | None = None,
        since: float | None = None,
        until: float | None = None,
        approximate: bool = False,
        extractor: FeatureExtractor | None = None,
        on_rows: Callable[[int], None] = lambda _count: None,
    ) -> Neighbours | Matches:
        """Find the rows nearest to a photo, a vector, a record, or every row of another set.

        The search is exact: it gives what a full sort of the stored vectors gives, and rows that
        are equally near keep their order.

        Args:
            query: A picture (path, bytes, uint8 array, PIL image), a float vector that the set's
                model made, a record of a set, or a whole set.
            k: How many rows for each query, at most.
            metric: By cosine or by distance.
            where: Only rows whose name fits this pattern, such as `*.png` or `garden/*`.
            label: Only pictures in a folder of this name.
            since: Only frames taken at this Unix time or later.
            until: Only frames taken before this Unix time.
            approximate: Whether to search by an index, which pays from some 300,000 rows on. It is
                built at the first search, which takes minutes, and kept in the cache; it needs
                `pip install 'edgefeat[search]'`. Where a filter is given, the exact search is used.
            extractor: What makes features of a picture; None opens the shipped model.
            on_rows: Called with how many rows were just added to an index that is being built.

        Raises:
            DependencyError: An index was asked for, and usearch is missing.
            ImageError: The picture cannot be read or used.
            OptionError: An option's value is wrong.
            SinkError: The query is of another model.
        """
        kind = checks.member("metric", metric, Metric)
        k = checks.whole_number("k", k)
        wanted = wanted_rows(
            self.paths, self.frames, where=where, label=label, since=since, until=until
        )
        if isinstance(query, SearchableSet):
            self.check_comparable(query)
            vectors: Rows | Features = query._rows
            queries = query.paths
        else:
            vectors, queries = vector_of(query, self.info, extractor), ("",)
        index = None
        if checks.switch("approximate", approximate) and wanted is None and len(self):
            if kind is not Metric.COSINE:
                raise OptionError("an index finds by cosine alone", option="approximate")
            index = self._index = self._index or self._open_index(on_rows)
        if index is None:
            found = find_best(self._rows, vectors, k, metric=kind, wanted=wanted)
        else:
            found = index.find_best(vectors, k)
        every = _neighbours(found, queries, self.paths)
        return every if isinstance(query, SearchableSet) else every[0]

    def duplicates(
        self,
        level: LevelName | None = None,
        *,
        threshold: float | None = None,
        model: str | PathLike[str] | bytes | None = None,
        on_rows: Callable[[int], None] = lambda _count: None,
    ) -> Duplicates:
        """Find groups of near-duplicates.

        Every picture of a group is near to one of them, the medoid; the groups are no chains. In
        each group one picture is proposed to keep. Nothing is deleted.

        Args:
            level: `same` (saved again), `near` (scaled, mirrored, brightened, cropped a little), or
                `look` (worth a look); the model's file says which cosine each takes. None is
                `near`, where no threshold is given.
            threshold: A cosine of your own, in the place of a level.
            model: The model file that made the set; None takes the shipped one.
            on_rows: Called with how many rows were just compared with those that follow them.

        Raises:
            OptionError: Both a level and a threshold were given, or the model states no levels.
            SinkError: The set was made with another model; then give a threshold.
        """
        from edgefeat.sets.duplicates import Level, find_duplicates
        from edgefeat.sets.levels import similarity_of

        if threshold is None:
            kind = Level.NEAR if level is None else checks.member("level", level, Level)
            similarity = similarity_of(self.info, model)
            threshold = float(getattr(similarity, kind))
        elif level is not None:
            raise OptionError("stands in the place of a level; both were given", option="threshold")
        else:
            kind, similarity = None, None
            given, threshold = threshold, checks.number("threshold", threshold, above=-1.0)
            if threshold > 1:
                raise OptionError(f"a cosine is at most 1, got {given!r}", option="threshold")
        return find_duplicates(
            self._rows,
            self.paths,
            threshold,
            similarity=similarity,
            level=kind,
            model=self.info.model,
            fingerprint=self.info.fingerprint,
            on_rows=on_rows,
        )

    def groups(self, k: int) -> Clusters:
        """Divide the set into groups of like pictures: spherical k-means, the largest group first.

        Equal sets give equal groups. The first picture of a group is the most typical one.

        Args:
            k: How many groups, at most.

        Raises:
            OptionError: A wrong `k`.
        """
        from edgefeat.sets.clusters import find_clusters

        return find_clusters(
            self._rows,
            self.paths,
            checks.whole_number("k", k),
            model=self.info.model,
            fingerprint=self.info.fingerprint,
        )

    def plane(self, layout: LayoutName = "pca") -> Features:
        """Lay the set out in a plane, like rows together: float32 `(N, 2)`.

        Args:
            layout: `pca` needs nothing else and is the same each time; `umap` pulls groups further
                apart and needs the package umap-learn.

        Raises:
            DependencyError: UMAP was asked for and is missing.
            OptionError: It is another layout.
        """
        from edgefeat.search.plane import Layout, lay_out

        return lay_out(self._rows, checks.member("layout", layout, Layout))

    def background(self) -> Background:
        """Return how alike pictures of this set are that were drawn by chance."""
        from edgefeat.search.background import measure_background

        return measure_background(self._rows)

    def check_comparable(self, other: SearchableSet) -> None:
        """Raise unless the vectors of another set may be compared with those of this one.

        Raises:
            SinkError: The sets have different fingerprints or outputs.
            TypeError: It is no set.
        """
        if not isinstance(other, SearchableSet):
            raise TypeError(
                f"expected a FeatureSet, got {type(other).__name__}. FeatureSet.of(vectors, "
                "extractor) makes one, which says whose vectors they are."
            )
        check_comparable(self.info, other.info)

    def _open_index(self, on_rows: Callable[[int], None]) -> Index:
        """Return the index of this set's rows, kept in the cache, where there is one."""
        from edgefeat.engine.cache import cache_folder
        from edgefeat.search.index import open_index

        cache = cache_folder()
        folder = None if cache is None else Path(cache) / "indexes"
        identity = f"{self._rows.identity()}{self.info.fingerprint}"
        return open_index(self._rows, identity, folder, on_rows=on_rows)

    @cached_property
    def _rows(self) -> Rows:
        """The rows as they are searched; their lengths are computed once."""
        return Rows(self._contents.columns)


def _neighbours(found: Best, queries: Sequence[str], names: Sequence[str]) -> Neighbours:
    rows, scores = found
    return Neighbours(queries=tuple(queries), scores=scores, rows=rows, names=names)
