"""The full parts of an output that rotates: their names, which are kept, and their compression.

    day.jsonl                          the part that is being written
    day-20261127T000000Z.jsonl         a full one, by the time (UTC) at which it was closed
    day-20261126T000000Z.jsonl.gz      the same, compressed

Folders are named alike. Nothing else is ever deleted or compressed.
"""

from __future__ import annotations

import gzip
import re
import shutil
import threading
import time
from pathlib import Path

from edgefeat.atomic import explained
from edgefeat.errors import SinkError
from edgefeat.sets.manifest import MANIFEST

__all__ = ["Parts"]

_GZIP = ".gz"
_CLOSE_PATIENCE_S = 0.5
_CHUNK = 1 << 20


class Parts:
    """The full parts of one output.

    Args:
        path: The output.
        keep: How many full parts are kept; None: all.
        compress: Whether full parts are compressed, in a thread.
    """

    def __init__(self, path: Path, *, keep: int | None, compress: bool) -> None:
        self._path, self._keep, self._compress = path, keep, compress
        stem, suffix = re.escape(path.stem), re.escape(path.suffix)
        time_and_number = r"-(\d{8}T\d{6}Z)(?:-(\d+))?"
        self._form = re.compile(f"{stem}{time_and_number}{suffix}(?:{re.escape(_GZIP)})?")
        self._last = ("", 0)
        self._waiting = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        if compress:
            self._thread = threading.Thread(
                target=self._compress_all, name="edgefeat gzip", daemon=True
            )
            self._thread.start()
            self._waiting.set()  # for what an earlier run left

    def add(self) -> None:
        """Make the output a full part; what is there is renamed.

        Raises:
            SinkError: It cannot be renamed.
        """
        target = self._path.with_name(self._next_name())
        with explained(self._path):
            self._path.rename(target)
        self.prune()
        self._waiting.set()

    def _next_name(self) -> str:
        """Return a name that is later than all others, also where the clock was set back."""
        stamp, number = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), 0
        last = max([self._last, *(self._order(one.name) for one in self.full())])
        if stamp <= last[0]:
            stamp, number = last[0], last[1] + 1
        self._last = stamp, number
        numbered = f"-{number}" if number else ""
        return f"{self._path.stem}-{stamp}{numbered}{self._path.suffix}"

    def _order(self, name: str) -> tuple[str, int]:
        """Return what parts are sorted by: their time, then their number within the second."""
        found = self._form.fullmatch(name)
        return ("", 0) if found is None else (found[1], int(found[2] or 0))

    def full(self) -> list[Path]:
        """Return the full parts, the oldest first."""
        found = [one for one in self._path.parent.iterdir() if self._form.fullmatch(one.name)]
        return sorted(found, key=lambda one: self._order(one.name))

    def prune(self) -> None:
        """Delete the oldest parts beyond those that are kept."""
        if self._keep is None:
            return
        for old in self.full()[: -self._keep]:
            if not old.is_dir():
                old.unlink(missing_ok=True)
            elif (old / MANIFEST).is_file():
                shutil.rmtree(old, ignore_errors=True)

    def close(self) -> None:
        """Wait a little for the compression; what is not done by then the next run does."""
        self._closing = True
        self._waiting.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_PATIENCE_S)

    def _compress_all(self) -> None:
        while not self._closing:
            self._waiting.wait()
            self._waiting.clear()
            for part in self.full():
                if not self._closing and part.is_file() and part.suffix != _GZIP:
                    try:
                        self._compress_one(part)
                    except (OSError, SinkError):  # full disk: the part stays as it is
                        break

    def _compress_one(self, part: Path) -> None:
        spare = part.with_name(f".{part.name}{_GZIP}.part")
        try:
            with part.open("rb") as source, gzip.open(spare, "wb", compresslevel=6) as target:
                while block := source.read(_CHUNK):
                    if self._closing:
                        return
                    target.write(block)
            spare.replace(part.with_name(part.name + _GZIP))
            part.unlink()
        finally:
            spare.unlink(missing_ok=True)
