"""Which Keras wrote a file, and what to do with a file that this Keras cannot open."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Final

import keras

__all__ = ["keras_version_of", "remedy_for"]

_MOST_BYTES: Final = 1 << 16  # the small file with the version is shorter
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_ZIP: Final = b"PK"


def keras_version_of(path: Path) -> str | None:
    """Return the version of the Keras that wrote a file, as the file says; None if it does not."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_HDF5))
        if start == _HDF5:
            return _of_hdf5(path)
        return _of_zip(path) if start.startswith(_ZIP) else None
    except Exception:  # noqa: BLE001 - a damaged file says nothing; opening it tells what is wrong
        return None


def remedy_for(path: Path) -> str:
    """Return what to do with a file that cannot be opened: by the Keras that wrote it."""
    version = keras_version_of(path) if path.is_file() else None
    other = "Export it as a SavedModel with the Keras that made it, and give that folder."
    if version is None:
        return f"Here is Keras {keras.__version__}. {other}"
    saved = f"It was saved by Keras {version}, here is Keras {keras.__version__}. "
    if version.split(".")[0] == "3" and _numbers(version) > _numbers(keras.__version__):
        return f"{saved}Install keras=={version}, or {other[0].lower()}{other[1:]}"
    return saved + other


def _of_zip(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive, archive.open("metadata.json") as member:
        version = json.loads(member.read(_MOST_BYTES)).get("keras_version")
    return str(version)[:40] if version else None


def _of_hdf5(path: Path) -> str | None:
    import h5py

    with h5py.File(path, "r") as file:
        version = file.attrs.get("keras_version")
    return None if version is None else str(getattr(version, "decode", lambda: version)())[:40]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
