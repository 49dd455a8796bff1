"""What is to be learnt: features of pictures with a class or a number, and what was left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgefeat.corpus.opening import is_photo_folder, open_set
from edgefeat.corpus.summary import CorpusStep
from edgefeat.errors import EdgefeatError, SourceError
from edgefeat.options.extractor import EngineOptions
from edgefeat.sets.record import Failure
from edgefeat.teaching.table import read_table

if TYPE_CHECKING:
    from edgefeat.arrays import Features
    from edgefeat.corpus.summary import NotTaken
    from edgefeat.extractor import FeatureExtractor

__all__ = ["Asked", "Lessons", "collect"]

Told = Callable[[CorpusStep], object]
_TABLES = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be learnt of the pictures.

    Attributes:
        one_class: Only what they look like: they have no classes.
        key: The column of paths in a table.
        label: The column of classes in a table.
        value: The column of numbers in a table, in the place of classes.
    """

    one_class: bool = False
    key: str | None = None
    label: str | None = None
    value: str | None = None


@dataclass(slots=True, kw_only=True)
class Lessons:
    """Pictures as vectors, with what is known of them.

    Attributes:
        features: float32 `(N, D)`.
        paths: What each picture is called.
        labels: The class of each; empty where there are none.
        values: The number of each, float64 `(N,)`; None where there are none.
        failed: Pictures that gave no features, and why.
        not_taken: Files that are no pictures, by kind.
        notes: What else was left out or chosen, as sentences.
    """

    features: NDArray[np.float32]
    paths: tuple[str, ...]
    labels: tuple[str, ...] = ()
    values: NDArray[np.float64] | None = None
    failed: tuple[Failure, ...] = ()
    not_taken: tuple[NotTaken, ...] = ()
    notes: list[str] = field(default_factory=list)


def collect(
    source: str | os.PathLike[str],
    extractor: FeatureExtractor,
    asked: Asked,
    *,
    engine: EngineOptions,
    on_step: Told = lambda _step: None,
) -> Lessons:
    """Return the features of pictures, and what is to be learnt of each.

    Args:
        source: A folder with a folder for each class; a table, CSV with a header; or a set that
            `edgefeat extract` wrote, whose folders are the classes.
        extractor: What makes the features.
        asked: What is to be learnt.
        engine: How a model runs that makes features of a folder.
        on_step: Called after each picture.

    Raises:
        SourceError: It holds nothing to learn.
        SinkError: It is a set of another model.
    """
    place = Path(source)
    if place.suffix.lower() in _TABLES and place.is_file() and not asked.one_class:
        return _from_table(place, extractor, asked, on_step)
    for option in ("key", "label", "value"):
        if getattr(asked, option) is not None:
            raise SourceError(
                "is for a table, and this is none",
                where=place,
                option=option,
                remedy="Name a CSV file with a header.",
            )
    return _from_set(place, extractor, asked, engine, on_step)


def _from_set(
    place: Path, extractor: FeatureExtractor, asked: Asked, engine: EngineOptions, on_step: Told
) -> Lessons:
    photos = is_photo_folder(place)
    opened = open_set(place, model=extractor.path, engine=engine, on_step=on_step)
    there = opened.features
    if there.info.fingerprint != extractor.fingerprint:
        raise SourceError(
            f"was made by another model ({there.info.model}, {there.info.fingerprint[:12]})",
            where=place,
            option="model",
            remedy="Name that model's file with {option}, or teach from the photos.",
        )
    lessons = Lessons(features=np.array(there.features, np.float32), paths=there.paths)
    if opened.summary is not None:
        lessons.failed, lessons.not_taken = opened.summary.failed, opened.summary.not_taken
        if opened.summary.failures > len(lessons.failed):
            lessons.notes.append(
                f"{opened.summary.failures - len(lessons.failed)} pictures gave no features in an "
                "earlier run and are left out"
            )
    if asked.one_class:
        return lessons
    root = place.resolve() if photos else None
    classes = [_class_of(path, root) for path in there.paths]
    kept = [row for row, name in enumerate(classes) if name]
    if not kept:
        raise SourceError(
            f"{len(classes)} pictures, but none in a folder of its class",
            where=place,
            option="one_class",
            remedy="Make a folder for each class, such as photos/cat/ and photos/dog/; or pass "
            "{option} to learn what these pictures look like.",
        )
    if len(kept) < len(classes):
        outside = len(classes) - len(kept)
        lessons.notes.append(
            f"{outside} of {len(classes)} pictures stand in no folder of a class and are left out, "
            f"such as {there.paths[classes.index('')]}"
        )
        lessons.features = lessons.features[kept]
        lessons.paths = tuple(there.paths[row] for row in kept)
    lessons.labels = tuple(classes[row] for row in kept)
    return lessons


def _class_of(path: str, root: Path | None) -> str:
    """Return the folder that a picture belongs to; empty if it is in none."""
    if root is None:
        return PurePath(path).parent.name
    parts = PurePath(path).relative_to(root).parts
    return parts[0] if len(parts) > 1 else ""


def _from_table(place: Path, extractor: FeatureExtractor, asked: Asked, on_step: Told) -> Lessons:
    rows, taken = read_table(place, key=asked.key, label=asked.label, value=asked.value)
    failed = [
        Failure(path=row.path or f"{place}, row {number + 1}", reason=f"{row.fault}.")
        for number, row in enumerate(rows)
        if row.fault is not None
    ]
    usable = [row for row in rows if row.fault is None]
    repeated = [path for path, times in Counter(row.path for row in usable).items() if times > 1]
    notes = [taken]
    if repeated:
        notes.append(f"{len(repeated)} pictures stand in several rows, such as {repeated[0]}")
    vectors: list[Features] = []
    kept = []
    found = extractor.iter_features([row.path for row in usable], workers=None, on_error="skip")
    for done, (row, outcome) in enumerate(zip(usable, found, strict=True)):
        failure = Failure.of(row.path, outcome) if isinstance(outcome, EdgefeatError) else None
        on_step(CorpusStep(path=row.path, failure=failure, done=done + 1, total=len(usable)))
        if isinstance(outcome, EdgefeatError):
            failed.append(Failure.of(row.path, outcome))
        else:
            vectors.append(outcome)
            kept.append(row)
    if not vectors:
        raise SourceError(
            f"{len(rows)} rows, but no picture that can be used",
            where=place,
            remedy="Paths start at the table's own folder; see the messages above.",
        )
    numbers = asked.value is not None
    return Lessons(
        features=np.stack(vectors),
        paths=tuple(row.path for row in kept),
        labels=() if numbers else tuple(row.label for row in kept),
        values=np.array([row.value for row in kept]) if numbers else None,
        failed=tuple(failed),
        notes=notes,
    )
