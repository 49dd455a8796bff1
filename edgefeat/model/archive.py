"""Files of edgefeat inside the archive that it was imported from, such as a zipapp.

Such a file has a path, `app.pyz/edgefeat/_models/...`, that the file system does not know.
"""

from __future__ import annotations

import os
from typing import Any

__all__ = ["archive_path", "read_archived"]


def archive_path() -> str | None:
    """Return the path of the archive that edgefeat was imported from; None if it was not."""
    path: str | None = getattr(_loader(), "archive", None)
    return path


def read_archived(path: str) -> bytes | None:
    """Return the bytes of a file inside edgefeat's own archive; None if there is no such file."""
    archive = archive_path()
    if archive is None or not path.startswith(archive + os.sep):
        return None
    try:
        data: bytes = _loader().get_data(path)
    except OSError:
        return None
    return data


def _loader() -> Any:
    """Return what imported this file: `zipimport.zipimporter`, if it came from an archive."""
    return __spec__.loader if __spec__ else None
