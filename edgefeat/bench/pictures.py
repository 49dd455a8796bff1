"""The real, changing pictures that a benchmark runs on, held in memory so that no disk is timed.

Files stay encoded, and decoding is timed; frames of a video or camera come decoded, as they would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.bench.pipeline import Picture
from edgefeat.errors import SourceError
from edgefeat.model.shipped import sample_photos
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.paths import expand
from edgefeat.sources import Source, open_source
from edgefeat.sources.folder import FolderSource

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["Pictures", "load_pictures", "sample_pictures"]

_MOST = 64  # enough variety for the decoder; every further one only takes memory
_MOST_BYTES = 128_000_000
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Encoded files or decoded frames, and what to call them. Never empty."""

    source: str
    items: tuple[Picture, ...]


def load_pictures(sources: Sequence[str]) -> Pictures:
    """Read pictures: of files, folders and patterns evenly thinned to 64, else the first frames.

    Args:
        sources: Files, folders and patterns; or one video, camera or URL.

    Raises:
        SourceError: They name nothing, or a file cannot be read.
        ImageError: A file is no picture, or a broken one.
    """
    if len(sources) == 1:
        found = open_source(sources[0])
        if not isinstance(found, FolderSource):
            return Pictures(source=found.name, items=tuple(_frames(found)))
    paths = [path for source in sources for path in expand(source)]
    step = max(1, -(-len(paths) // _MOST))
    return Pictures(source=", ".join(sources), items=tuple(_read(p) for p in paths[::step]))


def sample_pictures() -> Pictures:
    """Return the photos that ship with edgefeat.

    Raises:
        SourceError: The installation is incomplete.
    """
    paths = [str(path) for path in sample_photos()]
    return Pictures(source="shipped samples", items=tuple(_read(path) for path in paths))


def _frames(source: Source) -> Iterator[Pixels]:
    reader = source.open(timeout_s=_TIMEOUT_S)
    taken = size = 0
    try:
        while taken < _MOST and size < _MOST_BYTES and reader.grab() is not None:
            frame = load_bgr(reader.retrieve()).copy()  # a reader may use its buffer again
            yield frame
            taken, size = taken + 1, size + frame.nbytes
    finally:
        reader.close()
    if not taken:
        raise SourceError(f"{source.name}: gave no frame. Check it with `edgefeat stream`.")


def _read(path: str) -> bytes:
    """Return the file, once it has been decoded: what is broken is told by its name, not timed."""
    try:
        load_bgr(path, keep_side=1)
        return Path(path).read_bytes()
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read: {error.strerror}. Check the path, or leave it out."
        ) from error
