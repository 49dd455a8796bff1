"""What a user names becomes a list of picture files, with what names none."""

from __future__ import annotations

from collections.abc import Sequence

from edgefeat.errors import SourceError
from edgefeat.pictures.paths import expand
from edgefeat.sets.record import Failure

__all__ = ["collect"]


def collect(sources: Sequence[str]) -> tuple[list[str], list[Failure]]:
    """Return the picture files that the sources name, and what names none or cannot be read."""
    paths: list[str] = []
    failures: list[Failure] = []

    def unreadable(folder: str, error: SourceError) -> None:
        failures.append(Failure.of(folder, error))

    for source in sources:
        try:
            paths += expand(source, on_unreadable=unreadable)
        except SourceError as error:
            failures.append(Failure.of(source, error))
    return paths, failures
