"""Pictures in a folder or matching a pattern, and with `watch` those that come later."""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Callable
from pathlib import Path

from edgefeat.errors import SourceError
from edgefeat.listing.listing import expand
from edgefeat.listing.skipped import Tally
from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import Grab, OpenReader, Traits, nothing_grabbed

__all__ = ["FolderSource"]

_POLL_S = 0.25
_Stamp = tuple[int, int]  # size in bytes and time of change in ns


class FolderSource:
    """Picture files in sorted order; `watch` goes on with new ones until stopped.

    Args:
        pattern: A folder, a `glob` pattern, or one file.
        watch: Whether to wait for new files. A file is taken once its size and time of change
            stay the same from one look to the next, a quarter of a second later.

    Attributes:
        not_taken: What is there and is no picture that is read, by kind; known once it was listed.
    """

    def __init__(self, pattern: str, *, watch: bool = False) -> None:
        self.name = pattern
        self.traits = Traits(paced=not watch, timed=False)
        self._watch = watch
        self.not_taken = Tally()

    def open(self, *, timeout_s: float) -> _FolderReader:
        """List the pictures.

        Raises:
            SourceError: There are none, and none are waited for.
        """
        if not self._watch:
            return _FolderReader(self.name, self._list, watch=False)
        if not Path(self.name).is_dir() and not glob.has_magic(self.name):
            raise SourceError(
                "expected a folder to watch", where=self.name, remedy="Create it first."
            )
        return _FolderReader(self.name, self._list, watch=True)

    def _list(self) -> list[str]:
        tally = Tally()
        try:
            return expand(self.name, tally=tally)
        finally:
            self.not_taken = tally


class _FolderReader(OpenReader):
    """Gives the pictures of a folder or pattern, one after the other.

    Args:
        pattern: The folder or pattern.
        listed: Lists the pictures that are there now.
        watch: Whether to go on with new pictures.
    """

    def __init__(self, pattern: str, listed: Callable[[], list[str]], *, watch: bool) -> None:
        self._pattern, self._listed, self._watch = pattern, listed, watch
        self._queue = [] if watch else listed()[::-1]  # popped from the end
        self._taken: set[str] = set()
        self._growing: dict[str, _Stamp] = {}
        self._current: str | None = None
        self._closed = threading.Event()

    def grab(self) -> Grab | None:
        while not self._queue:
            if not self._watch or self._closed.is_set():
                return None
            self._look()
            if not self._queue:
                self._closed.wait(_POLL_S)
        self._current = self._queue.pop()
        return Grab(name=self._current)

    def retrieve(self) -> ImageInput:
        if self._current is None:
            raise nothing_grabbed(self._pattern)
        return self._current

    def interrupt(self) -> None:
        self._closed.set()

    def close(self) -> None:
        self._closed.set()

    def _look(self) -> None:
        """Queue the new files that have not changed since the last look."""
        try:
            names = set(self._listed())
        except SourceError:  # no picture in it yet
            names = set()
        self._taken &= names  # forgets what was deleted: memory follows the folder
        growing: dict[str, _Stamp] = {}
        ready: list[str] = []
        for name in names - self._taken:
            stamp = _stamp(name)
            if stamp is None:
                continue
            if self._growing.get(name) == stamp:
                ready.append(name)
            else:
                growing[name] = stamp
        self._growing = growing
        self._taken.update(ready)
        self._queue = sorted(ready, reverse=True)


def _stamp(path: str) -> _Stamp | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - many per second: no Path objects
    except FileNotFoundError:  # gone since it was listed
        return None
    return found.st_size, found.st_mtime_ns
