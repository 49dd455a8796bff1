"""Finds the model that ships inside the wheel."""

from __future__ import annotations

from pathlib import Path

from edgefeat.errors import ModelError

__all__ = ["DEFAULT_MODEL", "default_model_path"]

DEFAULT_MODEL = "efficientnet_lite0_224_int8.onnx"


def default_model_path() -> Path:
    """Return the path of the shipped model.

    The wheel carries it inside the package; in a source checkout it stands in `models/`.

    Raises:
        ModelError: In neither place.
    """
    package = Path(__file__).parent
    for folder in (package / "_models", package.parent / "models"):
        if (folder / DEFAULT_MODEL).is_file():
            return folder / DEFAULT_MODEL
    raise ModelError(
        f"the shipped model {DEFAULT_MODEL} is missing from this installation. Reinstall it with "
        "`pip install --force-reinstall edgefeat`, or name a model file."
    )
