"""The files below a folder, in the order of their whole paths."""

from __future__ import annotations

import os
from collections.abc import Iterator

from edgefeat.errors import SourceError
from edgefeat.listing.excludes import Excludes
from edgefeat.listing.skipped import Tally
from edgefeat.pictures.kind import Group, Kind

__all__ = ["Walk"]

_LINK = Kind(name="link to a folder", group=Group.OTHER, remedy="Name the folder that it leads to.")


class Walk:
    """Walks through folders.

    Args:
        excludes: What to leave out below them.
        output: A file or folder that is being written: it and what belongs to it are passed over.

    Attributes:
        failures: Folders that could not be read, and why.
    """

    def __init__(self, excludes: Excludes, *, output: str | None) -> None:
        self._excludes = excludes
        self._output = None if output is None else os.path.split(os.path.realpath(output))
        self.failures: list[SourceError] = []

    def files(self, folder: str, skipped: Tally) -> Iterator[str]:
        """Yield the files of a folder and of those below it.

        Args:
            folder: Where to begin.
            skipped: Counts links to folders, which are not followed.
        """
        start = len(folder.rstrip("/")) + 1
        open_folders = [iter([f"{folder.rstrip('/')}/"])]
        while open_folders:
            path = next(open_folders[-1], None)
            if path is None:
                open_folders.pop()
            elif path.endswith("/"):
                open_folders.append(iter(self._entries(path, start, skipped)))
            else:
                yield path

    def _entries(self, folder: str, start: int, skipped: Tally) -> list[str]:
        """Return what is in a folder, sorted; folders end with a slash, and sort with it."""
        found = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if self._is_output(folder, entry.name) or self._excludes.leave_out(
                        entry.name, entry.path[start:]
                    ):
                        continue
                    if not _is_folder(entry):
                        found.append(entry.path)
                    elif entry.is_symlink():
                        skipped.count(_LINK, entry.path)
                    else:
                        found.append(f"{entry.path}/")
        except OSError as error:
            problem = f"a folder that cannot be read: {error.strerror}"
            self.failures.append(SourceError(problem, where=folder.rstrip("/")))
        return sorted(found)

    def _is_output(self, folder: str, name: str) -> bool:
        """Return whether a file or folder is the output, its sidecar, its ledger or its spool."""
        if self._output is None:
            return False
        place, ours = self._output
        plain = name.removeprefix(".")
        if plain != ours and not plain.startswith(f"{ours}."):
            return False
        return os.path.realpath(folder) == place


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
