"""How a layer is refused that cannot be written exactly: by its name, with the way out."""

from __future__ import annotations

from typing import Any

from edgefeat_export.errors import BackboneError

__all__ = ["inexact"]


def inexact(layer: Any, problem: str, remedy: str) -> BackboneError:
    """Return the error for a layer that no graph can equal.

    Args:
        layer: The Keras layer.
        problem: What stands in the way.
        remedy: What the user can do, as a sentence.
    """
    return BackboneError(problem, where=f"{type(layer).__name__} {layer.name!r}", remedy=remedy)
