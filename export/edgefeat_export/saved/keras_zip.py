"""A `.keras` file, a zip archive, read in memory: nothing of it is ever written to disk.

Members are read by name and up to a limit, so an archive of a few kilobytes that unfolds into
gigabytes costs nothing. Keras gets an archive that holds its own three members only; vocabularies
come along if the architecture has a layer that looks something up.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import Final

import h5py

from edgefeat_export.errors import BackboneError
from edgefeat_export.saved.hdf5 import require_inside

__all__ = ["CONFIG", "archive_for_keras", "read_member", "require_weights_inside"]

CONFIG: Final = "config.json"
_METADATA: Final = "metadata.json"
_WEIGHTS: Final = "model.weights.h5"
_ASSETS: Final = re.compile(r"assets/(?:[\w-]+/)*[\w-]+(?:\.\w+)?")
_MOST_TEXT: Final = 16 << 20  # bytes; NASNetLarge, of 1,041 layers, has 0.6 MB
_MOST_ASSETS: Final = 64 << 20
_MOST_WEIGHTS: Final = 4 << 30
_MOST_EXPANDED: Final = 8  # times its packed size; Keras does not pack at all
_FREE: Final = 1 << 20  # bytes that may be packed as tightly as they like
_FAULTS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


def read_member(path: Path, name: str, *, most: int = _MOST_TEXT) -> bytes | None:
    """Return the bytes of a member; None if there is no such member.

    Args:
        path: The archive.
        name: The member's name.
        most: The largest size in bytes that it may have.

    Raises:
        BackboneError: The archive is damaged, or the member is larger.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if name not in archive.namelist():
                return None
            return _read(archive, name, path, most)
    except _FAULTS as error:
        raise _damaged(path, error) from error


def require_weights_inside(path: Path) -> int:
    """Return how many bytes of weights an archive has, all of which are in it.

    Raises:
        BackboneError: There are none, they come from outside, or unfold into much more.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if _WEIGHTS not in archive.namelist():
                raise BackboneError(
                    f"expected the member {_WEIGHTS} with the weights, got none",
                    where=path,
                    remedy="Save the model again.",
                )
            _require_size(archive.getinfo(_WEIGHTS), path, _MOST_WEIGHTS)
            with archive.open(_WEIGHTS) as member, h5py.File(member, "r") as file:
                return require_inside(file, path)
    except (*_FAULTS, KeyError, ValueError) as error:
        raise _damaged(path, error) from error


def archive_for_keras(path: Path, config: str, *, assets: bool) -> io.BytesIO:
    """Return an archive in memory with another architecture and the same weights.

    Args:
        path: The `.keras` file.
        config: The architecture as JSON.
        assets: Whether the architecture has layers that read vocabularies.

    Raises:
        BackboneError: A member is missing, damaged or too large.
    """
    memory = io.BytesIO()
    try:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(memory, "w") as new:
            members = {name for name in old.namelist() if assets and _ASSETS.fullmatch(name)}
            new.writestr(CONFIG, config)
            new.writestr(_METADATA, "{}")
            new.writestr(_WEIGHTS, _read(old, _WEIGHTS, path, _MOST_WEIGHTS))
            left = _MOST_ASSETS
            for name in sorted(members):
                text = _read(old, name, path, left)
                left -= len(text)
                new.writestr(name, text)
    except (*_FAULTS, KeyError) as error:
        raise _damaged(path, error) from error
    memory.seek(0)
    return memory


def _read(archive: zipfile.ZipFile, name: str, path: Path, most: int) -> bytes:
    _require_size(archive.getinfo(name), path, most)
    with archive.open(name) as member:
        data = member.read(most + 1)  # a header may lie about the size
    if len(data) > most:
        raise _too_large(path, name, f"more than {most / 1e6:,.0f} MB")
    return data


def _require_size(member: zipfile.ZipInfo, path: Path, most: int) -> None:
    size = member.file_size
    if size > most or size > _MOST_EXPANDED * member.compress_size + _FREE:
        packed = f"{size / 1e6:,.0f} MB, packed into {member.compress_size / 1e6:,.1f} MB"
        raise _too_large(path, member.filename, packed)


def _too_large(path: Path, name: str, size: str) -> BackboneError:
    return BackboneError(
        f"its member {name} has {size}, which no network needs",
        where=path,
        remedy="Save the model again.",
    )


def _damaged(path: Path, error: Exception) -> BackboneError:
    return BackboneError(
        f"expected a model saved by Keras, got a file that is damaged or of another kind ({error})",
        where=path,
        remedy="Save the model again.",
    )
