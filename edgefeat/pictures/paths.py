"""Turns what a user names (files, folders, patterns) into a list of picture files."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from edgefeat.errors import SourceError
from edgefeat.pictures.formats import SUFFIXES

__all__ = ["expand"]


def expand(
    source: str, *, on_unreadable: Callable[[str, SourceError], None] | None = None
) -> list[str]:
    """Return the picture files that one argument names.

    A file is taken as it is. A folder gives every picture below it, by suffix, in sorted order,
    hidden entries left out and links to folders not followed. Anything else is a pattern for
    `glob`, where `**` reaches into sub-folders.

    Args:
        source: A file, a folder or a pattern.
        on_unreadable: Called for each sub-folder that cannot be read, with its path; if None, such
            folders are passed over.

    Raises:
        SourceError: It names nothing.
    """
    path = Path(source)
    if path.is_dir():
        found = sorted(_pictures_below(path, on_unreadable))
        if not found:
            raise SourceError(
                "no pictures in this folder",
                where=source,
                remedy=f"Name one with files that end in {', '.join(sorted(SUFFIXES))}.",
            )
        return found
    if glob.has_magic(source) and not path.exists():
        found = sorted(
            match
            for match in glob.iglob(source, recursive=True)  # noqa: PTH207 - patterns may be absolute
            if _is_picture(match)
        )
        if not found:
            raise SourceError(
                "no picture matches this pattern", where=source, remedy="Check it, and quote it."
            )
        return found
    return [source]


def _pictures_below(
    folder: Path, on_unreadable: Callable[[str, SourceError], None] | None
) -> Iterator[str]:
    def unreadable(error: OSError) -> None:
        where = str(error.filename)
        if on_unreadable is not None:
            problem = f"a folder that cannot be read: {error.strerror}"
            on_unreadable(where, SourceError(problem, where=where))

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            full = os.path.join(parent, name)  # noqa: PTH118 - thousands of them: no Path objects
            if not name.startswith(".") and _is_picture(full):
                yield full


def _is_picture(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in SUFFIXES and not os.path.isdir(path)  # noqa: PTH112, PTH122
