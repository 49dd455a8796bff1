"""Opens a set by the place that a user names: a set, or a folder of photos with a set in the cache.

The features of a folder of photos are kept in the user's cache, in a set that follows the folder:
what is new is added, what has changed is done again, what is gone is dropped. It may be deleted at
any time. Paths in it are absolute, so that it serves from every working folder.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.corpus.run import Told, extract_folder
from edgefeat.engine.cache import cache_folder
from edgefeat.errors import SinkError
from edgefeat.options.extractor import EngineOptions, ModelOptions
from edgefeat.sets.featureset import FeatureSet

if TYPE_CHECKING:
    from edgefeat.corpus.summary import Summary

__all__ = ["OpenedSet", "is_photo_folder", "open_set"]

_ENGINE = EngineOptions()
_MANIFEST = "manifest.json"
_PRIVATE = 0o700


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSet:
    """A set, and how it came about.

    Attributes:
        features: The set.
        summary: What extracting left behind; None where the place was a set already.
    """

    features: FeatureSet
    summary: Summary | None


def is_photo_folder(place: str | os.PathLike[str]) -> bool:
    """Return whether a place is a folder that holds no set."""
    path = Path(place)
    return path.is_dir() and not (path / _MANIFEST).exists()


def open_set(
    place: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | bytes | None = None,
    engine: EngineOptions = _ENGINE,
    on_step: Told | None = None,
) -> OpenedSet:
    """Open a set, or bring the set of a folder of photos up to date and open that.

    Args:
        place: What `edgefeat extract` or `edgefeat stream` wrote, or a folder of photos.
        model: The model that makes the features of a folder of photos; None takes the shipped one.
        engine: How that model runs.
        on_step: Called after each picture that is worked on.

    Raises:
        ModelError: The model file is missing, foreign or damaged.
        SinkError: The place is no set, or a folder without a picture that can be read.
        SourceError: The folder holds no file.
    """
    if not is_photo_folder(place):
        return OpenedSet(features=FeatureSet.read(Path(place)), summary=None)
    from edgefeat.extractor import FeatureExtractor

    photos = str(Path(place).resolve())
    options = ModelOptions.of(model=model)
    with (
        FeatureExtractor.from_options(options, engine) as extractor,
        _kept(photos, extractor.fingerprint) as output,
    ):
        summary = extract_folder(
            photos, output, extractor=extractor, sync=True, on_error="skip", on_step=on_step
        )
        if not summary.rows:
            raise SinkError(
                "no picture in this folder can be read",
                where=place,
                remedy="Name a folder of photos, or what `edgefeat extract` wrote.",
            )
        return OpenedSet(features=FeatureSet.read(output), summary=summary)


@contextmanager
def _kept(photos: str, fingerprint: str) -> Iterator[Path]:
    """Give the folder of a set in the cache; without a cache one that is gone afterwards.

    What was mapped from it stays readable.
    """
    cache = cache_folder()
    key = hashlib.sha256(f"{fingerprint}\0{photos}".encode("utf-8", "surrogateescape")).hexdigest()
    if cache is not None:
        sets = Path(cache) / "sets"
        try:
            sets.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        except OSError:
            cache = None
    if cache is None:
        with tempfile.TemporaryDirectory(prefix="edgefeat-") as name:
            yield Path(name) / "set"
        return
    yield sets / key[:32]
