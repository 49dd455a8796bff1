"""The real, changing pictures that a benchmark runs on, held in memory so that no disk is timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgefeat.errors import SourceError
from edgefeat.filesets import expand
from edgefeat.shipped import sample_photos

__all__ = ["Pictures", "load_pictures", "sample_pictures"]

_MOST = 64  # enough variety for the decoder; every further one only takes memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Encoded pictures, and what to call them. Never empty."""

    source: str
    items: tuple[bytes, ...]


def load_pictures(sources: Sequence[str]) -> Pictures:
    """Read the pictures that files, folders and patterns name, evenly thinned to 64.

    Raises:
        SourceError: They name nothing, or a file cannot be read.
    """
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


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read: {error.strerror}. Check the path, or leave it out."
        ) from error
