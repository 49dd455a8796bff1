"""Files of edgefeat that are packed into something else: an archive, or a program of one file.

A file inside the archive that edgefeat was imported from, such as a zipapp, has a path that the
file system does not know: `app.pyz/edgefeat/_models/...`. A program of one file, as `pyinstaller
--onefile` makes it, unpacks all its files into a new folder at every start.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_NEW_AT_EVERY_START = "_MEI"  # how the folder of a program of one file is called; others: _internal

__all__ = ["archive_path", "read_archived", "written_ns"]


def archive_path() -> str | None:
    """Return the path of the archive that edgefeat was imported from; None if it was not."""
    path: str | None = getattr(_loader(), "archive", None)
    return path


def read_archived(path: str) -> bytes | None:
    """Return the bytes of a file inside edgefeat's own archive; None if there is no such file."""
    archive = archive_path()
    if archive is None or not _is_in(path, archive):
        return None
    try:
        data: bytes = _loader().get_data(path)
    except OSError:
        return None
    return data


def written_ns(path: str) -> int:
    """Return when a file was written; for one that is packed into another, when that one was.

    So a model in a program of one file is the same at every start, and its optimised form is kept.
    """
    unpacked = getattr(sys, "_MEIPASS", "")  # the folder of PyInstaller's program; absent elsewhere
    if os.path.basename(unpacked).startswith(_NEW_AT_EVERY_START) and _is_in(path, unpacked):
        return os.stat(sys.executable).st_mtime_ns
    archive = archive_path()
    return os.stat(archive if archive is not None and _is_in(path, archive) else path).st_mtime_ns


def _is_in(path: str, place: str) -> bool:
    return path.startswith(place + os.sep)


def _loader() -> Any:
    """Return what imported this file: `zipimport.zipimporter`, if it came from an archive."""
    return __spec__.loader if __spec__ else None
