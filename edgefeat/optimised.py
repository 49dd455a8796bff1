"""Keeps ONNX Runtime's optimised form of a model in the user's cache, so that it opens faster.

Optimising takes about half of a session's start. What comes out depends on the model, on ONNX
Runtime's version and on the CPU, so all three are in the file's name, with a checksum of the
content; a file that does not match is ignored and made again. Files are renamed into place, so
that processes starting together never see half a file. Where the folder cannot be written, or
others could write to it, nothing is kept: only speed is lost. Standard library only.
"""

from __future__ import annotations

import hashlib
import os
import platform
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["CACHE_VARIABLE", "cache_folder", "find", "saving"]

CACHE_VARIABLE = "EDGEFEAT_CACHE"  # a folder, or "off"


def cache_folder() -> Path | None:
    """Return where optimised models are kept; None where the user switched it off."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return None if named == "off" else Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(cache) if cache else Path.home() / ".cache") / "edgefeat"
    except RuntimeError:  # no home folder
        return None


def find(content_sha256: str, engine_version: str) -> Path | None:
    """Return the optimised form of a model, if it is there and whole."""
    folder = cache_folder()
    if folder is None or not _is_ours_alone(folder):
        return None
    with suppress(OSError):
        for path in folder.glob(f"{_key(content_sha256, engine_version)}-*.onnx"):
            if path.stem.rpartition("-")[2] == _digest(path):
                return path
    return None


@contextmanager
def saving(content_sha256: str, engine_version: str) -> Iterator[Path | None]:
    """Give a place to write the optimised form to, and keep what was written there.

    Yields None where nothing can be kept. The temporary file is gone afterwards in every case.
    """
    folder = cache_folder()
    temporary: Path | None = None
    if folder is not None:
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _is_ours_alone(folder):
                # Not by `tempfile`, whose import costs every start 2 MB.
                path = folder / f"{os.getpid()}-{threading.get_ident()}.tmp"
                path.touch(mode=0o600)
                temporary = path
    try:
        yield temporary
        if temporary is not None:
            with suppress(OSError):
                if temporary.stat().st_size:
                    key = _key(content_sha256, engine_version)
                    temporary.replace(temporary.with_name(f"{key}-{_digest(temporary)}.onnx"))
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _key(content_sha256: str, engine_version: str) -> str:
    return f"{content_sha256[:16]}-ort{engine_version}-{_cpu()[:8]}"


def _cpu() -> str:
    """Return a hash of what the layout of optimised weights depends on."""
    text = platform.machine()
    with suppress(OSError), Path("/proc/cpuinfo").open() as lines:
        for line in lines:
            if line.startswith(("flags", "Features")):  # of the first core, on x86 and Arm
                text += line
                break
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str:
    """Return a checksum, against accidents only: `_is_ours_alone` keeps others out."""
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(2**18):
            checksum = zlib.crc32(block, checksum)
    return f"{checksum:08x}"


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody else can put a model there for us to run."""
    try:
        found = folder.stat()
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022
