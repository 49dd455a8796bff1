"""A feature set read back: named vectors, compared only with those of the same fingerprint."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.errors import OptionError, SinkError
from edgefeat.measures.similarity import cosine_similarity, euclidean_distance
from edgefeat.places.address import is_url
from edgefeat.sets.contents import SetContents
from edgefeat.sets.encoding import Store, Stored
from edgefeat.sets.frames import Frames
from edgefeat.sets.info import SetInfo
from edgefeat.sets.reading import read_place, read_set
from edgefeat.sets.record import FeatureRecord
from edgefeat.sets.searchable import SearchableSet

if TYPE_CHECKING:
    from edgefeat.extractor import FeatureExtractor

__all__ = ["FeatureSet"]

_BLOCK_ROWS = 4096


class FeatureSet(SearchableSet):
    """Named vectors with the fingerprint of what made them.

        sets = edgefeat.FeatureSet.read("features/")
        sets["photos/cat.jpg"].features, sets[0].path, len(sets), sets.paths
        for record in sets: ...

    Vectors stay as they are stored (float32, float16, or bytes with scales; shards of a folder stay
    on disk) and become float32 a block at a time, so results are those of the stored vectors and
    memory stays small. `features` alone makes float32 of all at once, and keeps it.

    Args:
        contents: What a file or folder holds; `read` and `of` are the usual ways.
    """

    @classmethod
    def read(cls, path: str | Path, *, skip_damaged: bool = False) -> FeatureSet:
        """Read what `edgefeat extract` or `edgefeat stream` wrote, in any format.

        A folder's vectors are mapped, not read, and held to their length; `edgefeat info SET
        --check` holds every byte to its hash.

        Args:
            path: A file or folder. A folder of Parquet files is read where it is looked at, be they
                the parts of a plan or what Ray or Spark wrote; it may be a URL, such as
                `s3://bucket/set`.
            skip_damaged: Whether to leave out the damaged shards of a folder, with a warning. A
                run that resumes or syncs the set does them again.

        Raises:
            DependencyError: It is a Parquet file, and pyarrow is missing; or a URL, and fsspec is.
            SinkError: It is not a feature set, is damaged, or mixes fingerprints.
            SourceError: The store behind a URL does not answer.
        """
        if isinstance(path, str) and is_url(path):
            return cls(read_place(path))
        return cls(read_set(Path(path), skip_damaged=skip_damaged))

    @classmethod
    def of(
        cls, features: Features, extractor: FeatureExtractor, *, paths: Sequence[str] | None = None
    ) -> FeatureSet:
        """Make a set of vectors that an extractor has just given.

        Args:
            features: float32 `(N, D)`, or `(D,)` for one; `(N, H, W, C)` or `(H, W, C)` for a
                single map.
            extractor: What made them.
            paths: What each is called; None numbers them.

        Raises:
            ValueError: The shape is not what the extractor gives.
        """
        info = SetInfo.of(extractor)
        rows = np.asarray(features, np.float32)
        if rows.ndim == len(info.shape):
            rows = rows[np.newaxis]
        names = tuple(map(str, range(len(rows)))) if paths is None else tuple(paths)
        expected = (len(names), *info.shape)
        if rows.shape != expected:
            raise ValueError(f"features: expected shape {expected}, got {rows.shape}")
        flat = rows.reshape(len(rows), info.dim)
        columns = [[Stored(numbers=part)] for part in info.split(flat)]
        return cls(SetContents(info=info, paths=names, frames=None, columns=columns))

    @cached_property
    def features(self) -> Features:
        """All rows as the extractor gave them: float32 `(N, D)`, or `(N, H, W, C)` for a map.

        Several outputs stand side by side; `output` gives one of them.
        """
        blocks = list(self.blocks())
        flat = blocks[0] if len(blocks) == 1 else np.concatenate([*blocks, self._no_rows()])
        return flat.reshape(-1, *self.info.shape)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs that the set keeps."""
        return tuple(output.name for output in self.info.outputs)

    def output(self, name: str) -> FeatureSet:
        """Return the set of one output alone, as its `features`.

        It may be compared with the same output of sets that keep the same outputs.

        Raises:
            OptionError: The set keeps no output of that name.
        """
        for one, column in zip(self.info.outputs, self._contents.columns, strict=True):
            if one.name == name:
                info = replace(self.info, outputs=(one,))
                return FeatureSet(replace(self._contents, info=info, columns=[column]))
        raise OptionError(f"expected one of {', '.join(self.outputs)}, got {name!r}", option="name")

    def __iter__(self) -> Iterator[FeatureRecord]:
        return self._contents.records(_BLOCK_ROWS)

    def __contains__(self, path: object) -> bool:
        return path in self._rows_by_path

    @overload
    def __getitem__(self, key: slice | list[int] | NDArray[Any]) -> FeatureSet: ...  # type: ignore[overload-overlap] # an array of no axes is a position

    @overload
    def __getitem__(self, key: str | SupportsIndex) -> FeatureRecord: ...

    def __getitem__(
        self, key: slice | list[int] | NDArray[Any] | str | SupportsIndex
    ) -> FeatureSet | FeatureRecord:
        """Return a row by its path or position, or a set of some rows by a slice or positions.

        Raises:
            IndexError: There is no such position.
            KeyError: No row is called so, or several are.
        """
        positions = np.arange(len(self))
        if isinstance(key, slice | list) or (isinstance(key, np.ndarray) and key.ndim == 1):
            rows = positions[key if isinstance(key, slice) else np.asarray(key)]
            return FeatureSet(self._contents.take(rows))
        row = self._row_of(key) if isinstance(key, str) else positions[operator.index(key)]
        (record,) = self._contents.take(np.array([row])).records(1)
        return record if self.info.timed else replace(record, index=int(row))

    def __repr__(self) -> str:
        sizes = [" x ".join(map(str, output.shape)) for output in self.info.outputs]
        if len(sizes) > 1:
            pairs = zip(self.outputs, sizes, strict=True)
            sizes = [" + ".join(f"{name} {size}" for name, size in pairs)]
        parts = [f"{len(self)} row{'s' * (len(self) != 1)} of {sizes[0]}"]
        parts += [f"model {self.info.model}", f"fingerprint {self.info.fingerprint[:12]}"]
        return f"FeatureSet({', '.join(parts)})"

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

    def joined(self, other: FeatureSet) -> FeatureSet:
        """Return a set of this one's rows and then the other's.

        Raises:
            SinkError: The sets have different fingerprints or outputs, or only one is a stream's.
        """
        self.check_comparable(other)
        if self.info.timed != other.info.timed:
            raise SinkError(
                "one set has frames of a stream, the other has pictures",
                remedy="Join sets of one kind.",
            )
        frames = None
        if self.frames is not None and other.frames is not None:
            frames = Frames.joined([self.frames, other.frames])
        store = self.info.store if self.info.store == other.info.store else Store.F32
        mine, theirs = self._contents.columns, other._contents.columns
        contents = SetContents(
            info=replace(self.info, store=store),
            paths=self.paths + other.paths,
            frames=frames,
            columns=[[*a, *b] for a, b in zip(mine, theirs, strict=True)],
        )
        return FeatureSet(contents)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the set to a file or folder, in the format that its name says.

        Args:
            path: Ends in .npz, .npy, .csv, .jsonl or .parquet, or is a folder.
            overwrite: Whether what stands there may go.

        Raises:
            OptionError: The format cannot hold the set.
            SinkError: It cannot be written, is there already, or the set is empty.
        """
        from edgefeat.sets.formats import open_sink

        if not len(self):
            raise SinkError("a set without rows cannot be saved", where=path)
        with open_sink(path, self.info, overwrite=overwrite) as sink:
            for record in self:
                sink.write(record)
            sink.commit()

    def to_frame(self, library: Literal["pandas", "polars"] | None = None) -> Any:
        """Return the set as a DataFrame, with the columns that its .csv has.

        The columns are `path` (the index, in pandas), a stream's facts, and `f0000`, `f0001`, ...
        or, of several outputs, `output_NAME_0000`, ...

        Args:
            library: Library that makes the DataFrame; None takes pandas, or Polars where pandas is
                missing.

        Raises:
            DependencyError: The library is missing.
            OptionError: Another library was named.
        """
        from edgefeat.sets.dataframe import as_frame

        numbers = self.features.reshape(len(self), -1)
        return as_frame(self.info, self.paths, self.frames, numbers, library=library)

    def blocks(self) -> Iterator[Features]:
        """Yield the rows of `features`, flat, a block at a time: float32 `(n, D)`."""
        return self._contents.blocks(_BLOCK_ROWS)

    def _no_rows(self) -> Features:
        return np.empty((0, self.info.dim), np.float32)

    def _against(
        self, other: FeatureSet, compare: Callable[[Features, Features], Features]
    ) -> Features:
        self.check_comparable(other)
        columns = other.features.reshape(len(other), -1)
        result = np.empty((len(self), len(other)), np.float32)
        start = 0
        for block in self.blocks():
            result[start : start + len(block)] = compare(block, columns)
            start += len(block)
        return result

    @cached_property
    def _rows_by_path(self) -> dict[str, int]:
        """The row of each path; -1 where several are called so."""
        rows: dict[str, int] = {}
        for row, path in enumerate(self.paths):
            rows[path] = -1 if path in rows else row
        return rows

    def _row_of(self, path: str) -> int:
        row = self._rows_by_path.get(path)
        if row is None:
            raise KeyError(f"no row is called {path!r}")
        if row < 0:
            raise KeyError(f"several rows are called {path!r}: take one by its position")
        return row
