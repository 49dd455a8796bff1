"""Which rows of a set a search may find: by name, by folder, by time."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

__all__ = ["by_label", "by_name", "by_time"]

Wanted = NDArray[np.bool_]


def by_name(paths: Sequence[str], pattern: str) -> Wanted:
    """Return which names fit a pattern, such as `*.png` or `garden/*`: bool `(N,)`.

    `*` stands for any characters, also `/`. The pattern fits the whole name, or its end from a
    folder on: `garden/*` fits `photos/garden/rose.jpg`.
    """
    inner = f"*/{pattern}"
    fits = (fnmatchcase(path, pattern) or fnmatchcase(path, inner) for path in paths)
    return np.fromiter(fits, np.bool_, len(paths))


def by_label(paths: Sequence[str], label: str) -> Wanted:
    """Return which rows have a label, the name of the folder of the picture: bool `(N,)`."""
    return np.fromiter(
        (PurePath(path).parent.name == label for path in paths), np.bool_, len(paths)
    )


def by_time(
    wall_time: NDArray[np.float64], *, since: float | None = None, until: float | None = None
) -> Wanted:
    """Return which frames were taken in a span of time: bool `(N,)`.

    Args:
        wall_time: Unix time of each frame in seconds, float64 `(N,)`.
        since: The first moment that counts; None begins with the first frame.
        until: The first moment that counts no more; None ends with the last frame.
    """
    wanted = np.ones(len(wall_time), np.bool_)
    if since is not None:
        wanted &= wall_time >= since
    if until is not None:
        wanted &= wall_time < until
    return wanted
