"""How a part of a pipeline is refused: by its place, its class, and what could be done."""

from __future__ import annotations

from typing import Any

from edgefeat_export.errors import ConversionError

__all__ = ["class_of", "is_image_features", "refusal"]


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


def refusal(problem: str, *, where: Any, remedy: str | None = None) -> ConversionError:
    """Return the error of a part that cannot be in the file.

    Args:
        problem: What it is.
        where: The step's name.
        remedy: What to do in its place.
    """
    return ConversionError(problem, where=where or "the pipeline", remedy=remedy)
