"""The novelty gate: passes features that departed from those of the scene as it has been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features
from edgefeat.streaming.gates.adaptive import Adaptive
from edgefeat.streaming.gates.calm import Calm, Change

__all__ = ["NoveltyGate", "Unit", "cosine_distance", "moved", "unit"]

Unit = NDArray[np.float64]


class NoveltyGate:
    """Compares features with those of the scene as it has been.

    Args:
        threshold: How large the cosine distance must be, or what follows the scene's own; None lets
            all features pass.
        leave: Share of the threshold below which the scene is calm again.
    """

    def __init__(self, threshold: float | Adaptive | None, *, leave: float) -> None:
        self._threshold = threshold
        self._calm: Calm[Unit] = Calm(cosine_distance, moved, leave)

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
        change = self._calm.look(unit(features), self.threshold, moment_s)
        if isinstance(self._threshold, Adaptive) and self.distance is not None:
            self._threshold.add(self.distance)
        return change

    @property
    def threshold(self) -> float | None:
        """How large the distance must be now; None: any will do."""
        threshold = self._threshold
        return threshold.threshold if isinstance(threshold, Adaptive) else threshold


def unit(features: Features) -> Unit:
    """Return features at length 1: float64 `(D,)`.

    Args:
        features: float32, of any shape.
    """
    flat = features.reshape(-1).astype(np.float64)
    flat /= np.linalg.norm(flat) or 1.0
    return flat


def cosine_distance(now: Unit, before: Unit) -> float:
    """Return the cosine distance of two vectors.

    Args:
        now: float64 `(D,)`, of length 1.
        before: float64 `(D,)`, of any length.
    """
    length = float(np.linalg.norm(before)) or 1.0
    return max(0.0, 1 - float(now @ before) / length)


def moved(earlier: Unit, later: Unit, share: float) -> Unit:
    """Return a vector moved towards a later one: float64 `(D,)`.

    Args:
        earlier: float64 `(D,)`.
        later: float64 `(D,)`.
        share: How far, between 0 and 1.
    """
    return earlier + share * (later - earlier)
