"""Keeps ONNX Runtime's optimised form of a model in the user's cache, so that it opens faster.

Optimising takes about half of a session's start. The result depends on the model, on ONNX Runtime's
version and on the CPU, so the file's name holds all three, and a checksum of the content. A file
that does not match is ignored and made again. Files are renamed into place, so processes that start
together never see half a file. Where the folder cannot be written, or where others could write to
it, nothing is kept: only speed is lost.

Only models that passed the full check have an entry. So an entry also says that its model passed.
What then runs is the entry, whose own checksum is verified every time.

Standard library only, without `pathlib`, `hashlib` and `tempfile`, whose imports cost every start
10 ms and 5 MB.
"""

from __future__ import annotations

import os
import platform
import zlib
from _thread import get_ident  # see `edgefeat.locks`
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from mmap import ACCESS_READ, mmap

from edgefeat.host.cpuinfo import instructions

__all__ = ["CACHE_VARIABLE", "cache_folder", "find", "is_known", "is_mapped", "remove", "saving"]

CACHE_VARIABLE = "EDGEFEAT_CACHE"  # a folder, or "off"
# From this version on ONNX Runtime can map its own format, where .onnx is parsed and copied.
_ENDINGS = (".ort", ".onnx")
_FIRST_TO_MAP = (1, 26)


def cache_folder() -> str | None:
    """Return where optimised models are kept; None where the user switched it off."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return None if named == "off" else named
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return None if cache.startswith("~") else os.path.join(cache, "edgefeat")  # no home folder


def is_known(identity: str) -> bool:
    """Tell whether a model of this `ModelFile.identity` was checked and opened here before."""
    return any(True for _ in _entries(identity))


def find(identity: str, engine_version: str) -> str | None:
    """Return the optimised form of a model, if it is there and whole."""
    for path in _entries(_key(identity, engine_version)):
        if _is_whole(path):
            return path
    return None


def remove(identity: str, engine_version: str) -> None:
    """Remove what is kept of a model for this version of ONNX Runtime, because it does not open.

    Links to the same file under the model's other identities go too.
    """
    model, engine = identity.partition("-")[0], _key("", engine_version)
    for path in _entries(model):
        if engine in os.path.basename(path):
            with suppress(OSError):
                os.unlink(path)


def is_mapped(engine_version: str) -> bool:
    """Tell whether models are kept in ONNX Runtime's own format, which this version maps."""
    return tuple(map(int, engine_version.split(".")[:2])) >= _FIRST_TO_MAP


@contextmanager
def saving(identity: str, engine_version: str) -> Iterator[str | None]:
    """Give a place to write the optimised form to, and keep that or an equal one.

    Yields None where nothing can be kept. The temporary file is gone afterwards in every case.
    """
    folder = cache_folder()
    temporary: str | None = None
    if folder is not None:
        with suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            if _is_ours_alone(folder):
                path = os.path.join(folder, f"{os.getpid()}-{get_ident()}.tmp")
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
                temporary = path
    try:
        yield temporary
        if temporary is not None and folder is not None:
            with suppress(OSError):
                if os.stat(temporary).st_size:
                    _keep(temporary, folder, identity, engine_version)
    finally:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)


def _keep(temporary: str, folder: str, identity: str, engine_version: str) -> None:
    """Rename what was written into place; of several entries of one model, one whole one stays."""
    _share(temporary, identity.partition("-")[0], _key("", engine_version))
    key = _key(identity, engine_version)
    ending = ".ort" if is_mapped(engine_version) else ".onnx"
    os.replace(temporary, os.path.join(folder, f"{key}-{_checksum(temporary)}{ending}"))
    entries = sorted(_entries(key))
    kept = next(filter(_is_whole, entries), None)
    for path in entries:
        if path != kept:
            with suppress(OSError):  # another start has removed it
                os.unlink(path)


def _share(temporary: str, model: str, engine: str) -> None:
    """Let the copies of one model that were written at different times share one file's space."""
    for path in _entries(model):
        if f"{engine}-" in os.path.basename(path) and _is_whole(path):
            with suppress(OSError):  # a file system without links keeps another copy
                os.link(path, f"{temporary}.link")
                os.replace(f"{temporary}.link", temporary)
            return


def _entries(key: str) -> Iterator[str]:
    """Yield the paths of the kept files whose names begin with a key."""
    folder = cache_folder()
    if folder is None or not _is_ours_alone(folder):
        return
    with suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(f"{key}-") and name.endswith(_ENDINGS):
                yield os.path.join(folder, name)


def _key(identity: str, engine_version: str) -> str:
    return f"{identity}-ort{engine_version}-{_cpu():08x}"


def _cpu() -> int:
    """Return a checksum of what the layout of optimised weights depends on."""
    return zlib.crc32(" ".join((platform.machine(), *instructions())).encode())


def _checksum(path: str) -> str:
    """Return a checksum, against accidents only: `_is_ours_alone` keeps others out."""
    with open(path, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as view:
        return f"{zlib.crc32(view):08x}"


def _is_whole(path: str) -> bool:
    with suppress(OSError, ValueError):  # gone in between, or empty
        return os.path.splitext(path)[0].endswith(f"-{_checksum(path)}")
    return False


def _is_ours_alone(folder: str) -> bool:
    """Tell whether nobody else can put a model there for us to run."""
    try:
        found = os.stat(folder)
    except OSError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022
