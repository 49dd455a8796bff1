"""Files that appear whole or not at all: written beside their place, then renamed into it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from edgefeat.errors import SinkError

__all__ = ["explained", "publish", "replace_file", "spool_beside"]


def spool_beside(path: Path) -> IO[bytes]:
    """Open a temporary file in the folder of `path`, to be given to `publish`."""
    return tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
    )


def publish(spool: IO[bytes], path: Path) -> None:
    """Put a finished spool in place of `path`."""
    spool.flush()
    os.fsync(spool.fileno())
    spool.close()
    mask = os.umask(0)
    os.umask(mask)
    Path(spool.name).chmod(0o666 & ~mask)  # temporary files are private; the result need not be
    Path(spool.name).replace(path)


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file so that it survives a crash, old or new but never half.

    Its temporary name is fixed: what a killed run left is overwritten by the next. One writer only.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # only there if the user broke off in between
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what the operating system says into what the user can do."""
    try:
        yield
    except FileNotFoundError as error:
        raise SinkError(f"{path}: the folder {path.parent} does not exist. Create it.") from error
    except OSError as error:
        raise SinkError(
            f"{path}: cannot be written: {error.strerror}. Nothing was replaced; "
            "free some space or choose another place."
        ) from error
