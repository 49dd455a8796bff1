"""Finds what ships inside the wheel: the default model and a few sample photos.

In a source checkout the same files stand in `models/` and `tests/data/photos/`.
"""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

from edgefeat.errors import ModelError, SourceError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DEFAULT_MODEL", "default_model", "default_model_path", "sample_photos"]

DEFAULT_MODEL = "efficientnet_lite0_224_int8.onnx"
_PACKAGE = os.path.dirname(os.path.dirname(__file__))
_REINSTALL = "Reinstall it with `pip install --force-reinstall edgefeat`"


def default_model() -> str:
    """Return the path of the shipped model, without loading `pathlib` for it.

    Raises:
        ModelError: The installation is incomplete.
    """
    for folder in (f"{_PACKAGE}/_models", f"{os.path.dirname(_PACKAGE)}/models"):
        if os.path.isfile(path := f"{folder}/{DEFAULT_MODEL}"):
            return path
    raise ModelError(
        f"the shipped model {DEFAULT_MODEL} is missing from this installation. {_REINSTALL}, "
        "or name a model file."
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
        SourceError: The installation is incomplete.
    """
    from pathlib import Path

    package = Path(_PACKAGE)
    for folder in (package / "_samples", package.parent / "tests" / "data" / "photos"):
        if found := sorted(folder.glob("*.jpg")):
            return found
    raise SourceError(
        f"the sample photos are missing from this installation. {_REINSTALL}, "
        "or name pictures of your own."
    )
