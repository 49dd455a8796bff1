"""Finds what ships inside the wheel: the default model and a few sample photos.

In a source checkout the same files stand in `models/` and `tests/data/photos/`.
"""

from __future__ import annotations

from pathlib import Path

from edgefeat.errors import ModelError, SourceError

__all__ = ["DEFAULT_MODEL", "default_model_path", "sample_photos"]

DEFAULT_MODEL = "efficientnet_lite0_224_int8.onnx"
_PACKAGE = Path(__file__).parent
_REINSTALL = "Reinstall it with `pip install --force-reinstall edgefeat`"


def default_model_path() -> Path:
    """Return the path of the shipped model.

    Raises:
        ModelError: The installation is incomplete.
    """
    for folder in (_PACKAGE / "_models", _PACKAGE.parent / "models"):
        if (folder / DEFAULT_MODEL).is_file():
            return folder / DEFAULT_MODEL
    raise ModelError(
        f"the shipped model {DEFAULT_MODEL} is missing from this installation. {_REINSTALL}, "
        "or name a model file."
    )


def sample_photos() -> list[Path]:
    """Return the paths of the shipped sample photos, in a fixed order.

    Raises:
        SourceError: The installation is incomplete.
    """
    for folder in (_PACKAGE / "_samples", _PACKAGE.parent / "tests" / "data" / "photos"):
        if found := sorted(folder.glob("*.jpg")):
            return found
    raise SourceError(
        f"the sample photos are missing from this installation. {_REINSTALL}, "
        "or name pictures of your own."
    )
