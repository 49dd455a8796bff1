"""How a part of a pipeline is refused: by its place, its class, and what could be done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from edgefeat_export.errors import ConversionError

__all__ = ["KERAS_FILES", "class_of", "is_image_features", "is_of_keras", "refusal"]

KERAS_FILES = (".keras", ".h5", ".hdf5")
"""How a Keras model's file ends."""


def class_of(part: object) -> str:
    """Return the name of a part's class; with its module, if that is not scikit-learn."""
    kind = type(part)
    root = kind.__module__.partition(".")[0]
    return (
        kind.__name__ if root in ("sklearn", "edgefeat") else f"{kind.__module__}.{kind.__name__}"
    )


def is_image_features(part: object) -> bool:
    """Return whether a part is edgefeat's own transformer of photos, or made of it."""
    return any(
        one.__module__.startswith("edgefeat.sklearn") and one.__name__ == "ImageFeatures"
        for one in type(part).__mro__
    )


def is_of_keras(head: object) -> bool:
    """Return whether a head is a model of Keras, in memory or in a file."""
    if isinstance(head, str | os.PathLike):
        return Path(head).suffix in KERAS_FILES
    return any(
        one.__module__.partition(".")[0] == "keras" and one.__name__ == "Model"
        for one in type(head).__mro__
    )


def refusal(problem: str, *, where: Any, remedy: str | None = None) -> ConversionError:
    """Return the error of a part that cannot be in the file.

    Args:
        problem: What it is.
        where: The step's name.
        remedy: What to do in its place.
    """
    return ConversionError(problem, where=where or "the pipeline", remedy=remedy)
