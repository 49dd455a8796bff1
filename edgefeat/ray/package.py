"""Ray itself, or the error that says how to get it."""

from __future__ import annotations

from typing import Any

from edgefeat.errors import DependencyError

__all__ = ["the_package"]


def the_package() -> Any:
    """Return `ray`.

    Raises:
        DependencyError: It is missing.
    """
    try:
        import ray
    except ImportError as error:
        raise DependencyError(
            "edgefeat.ray needs Ray", remedy="Install it with `pip install 'ray[data]'`."
        ) from error
    return ray
