"""A folder as a place: files are written beside their name and renamed into it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO

from edgefeat import atomic
from edgefeat.errors import SourceError

__all__ = ["LocalPlace"]


class LocalPlace:
    """A folder; see `edgefeat.places.place.FilePlace`.

    Args:
        path: The folder. It is made by the first file that is written.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self.name = path

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or None if there is no such file."""
        try:
            return (self._path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(self._path / name, error) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole."""
        path = self._path / name
        with atomic.explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_bytes(path, content)

    def names(self, folder: str = "") -> list[str]:
        """Return the names of the files right below a folder, sorted."""
        place = self._path / folder
        try:
            return sorted(
                one.name for one in place.iterdir() if one.is_file() and not _is_spool(one.name)
            )
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(place, error) from error

    def written(self) -> dict[str, float | None]:
        """Return when each file right in the folder was written."""
        times: dict[str, float | None] = {}
        for name in self.names():
            with suppress(OSError):  # gone meanwhile
                times[name] = (self._path / name).stat().st_mtime
        return times

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""
        try:
            return (self._path / name).open("rb")
        except OSError as error:
            raise _unreadable(self._path / name, error) from error


def _is_spool(name: str) -> bool:
    """Return whether a file is one that is just being written."""
    return name.startswith(".") and name.endswith(".part")


def _unreadable(path: Path, error: OSError) -> SourceError:
    return SourceError(f"cannot be read: {error.strerror or error}", where=path)
