"""Finds what ships inside the wheel: the default model and a few sample photos.

In a source checkout the same files stand in `models/` and `tests/data/photos/`. In an application
frozen by PyInstaller they stand beside the code too, and in a zipapp inside the archive.
"""

from __future__ import annotations

import os.path
import sys
from typing import TYPE_CHECKING

from edgefeat.errors import ModelError, SourceError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_MODEL", "default_model", "default_model_path", "sample_photos"]

DEFAULT_MODEL = "efficientnet_lite0_224_int8.onnx"
_PACKAGE = os.path.dirname(os.path.dirname(__file__))


def default_model() -> str:
    """Return the path of the shipped model, without loading `pathlib` for it.

    Where edgefeat was imported from an archive, so is its model: `read_model_file` reads it there.

    Raises:
        ModelError: The installation is incomplete.
    """
    for folder in (f"{_PACKAGE}/_models", f"{os.path.dirname(_PACKAGE)}/models"):
        if os.path.isfile(path := f"{folder}/{DEFAULT_MODEL}"):
            return path
    if not os.path.isdir(_PACKAGE):
        from importlib.resources import files

        if files("edgefeat").joinpath("_models", DEFAULT_MODEL).is_file():
            return os.path.join(_PACKAGE, "_models", DEFAULT_MODEL)
    raise ModelError(
        f"the shipped model {DEFAULT_MODEL} is missing from this {_kind_of_installation()}",
        remedy=f"{_how_to_complete()}, or name a model file ({{option}}).",
        option="model",
    )


def default_model_path() -> Path:
    """Return the path of the shipped model.

    Raises:
        ModelError: The installation is incomplete.
    """
    from pathlib import Path

    return Path(default_model())


def sample_photos() -> list[Path]:
    """Return the paths of the shipped sample photos, in a fixed order.

    Raises:
        SourceError: The installation is incomplete, or an archive, whose files have no paths.
    """
    from pathlib import Path

    from edgefeat.model.archive import archive_path

    package = Path(_PACKAGE)
    for folder in (package / "_samples", package.parent / "tests" / "data" / "photos"):
        if found := sorted(folder.glob("*.jpg")):
            return found
    if archive_path() is not None:
        raise SourceError(
            "the sample photos are inside an archive, where they have no paths",
            remedy="Name pictures of your own.",
        )
    raise SourceError(
        f"the sample photos are missing from this {_kind_of_installation()}",
        remedy=f"{_how_to_complete()}, or name pictures of your own.",
    )


def _kind_of_installation() -> str:
    if getattr(sys, "frozen", False):  # set by PyInstaller and its kin
        return "application"
    return "installation" if os.path.isdir(_PACKAGE) else "archive"


def _how_to_complete() -> str:
    kind = _kind_of_installation()
    if kind == "application":
        return (
            "Build the application again with the data files of the package edgefeat (in "
            "PyInstaller: `--collect-data edgefeat`)"
        )
    if kind == "archive":
        return (
            "Put the folder _models of an installed edgefeat into the archive, beside its modules"
        )
    return "Reinstall it with `pip install --force-reinstall edgefeat`"
