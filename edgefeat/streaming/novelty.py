"""The novelty gate: passes features that departed from those of the scene as it has been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.streaming.calm import Calm, Change

__all__ = ["NoveltyGate"]

_Unit = NDArray[np.float64]


class NoveltyGate:
    """Compares features with those of the scene as it has been.

    Args:
        threshold: How large the cosine distance must be; None lets all features pass.
        leave: Share of the threshold below which the scene is calm again.
    """

    def __init__(self, threshold: float | None, *, leave: float) -> None:
        self._threshold = threshold
        self._calm: Calm[_Unit] = Calm(_distance, _blended, leave)

    @property
    def distance(self) -> float | None:
        """Cosine distance of the last features from those before; None for the first."""
        return self._calm.distance

    def look(self, features: Features, moment_s: float) -> Change | None:
        """Return why features pass; None if they do not.

        Args:
            features: float32, of any shape.
            moment_s: The frame's time in seconds.
        """
        flat = features.reshape(-1).astype(np.float64)
        flat /= np.linalg.norm(flat) or 1.0
        return self._calm.look(flat, self._threshold, moment_s)


def _distance(now: _Unit, before: _Unit) -> float:
    """Return the cosine distance; a blend is shorter than 1."""
    length = float(np.linalg.norm(before)) or 1.0
    return max(0.0, 1 - float(now @ before) / length)


def _blended(earlier: _Unit, later: _Unit, share: float) -> _Unit:
    return earlier + share * (later - earlier)
