"""A threshold that follows the noise floor of a scene by itself."""

from __future__ import annotations

from collections.abc import Callable

from edgefeat.streaming.gates.floor import FEWEST, passed_by_noise_once
from edgefeat.streaming.gates.recent import Recent

__all__ = ["Adaptive"]

_UNTIL_KNOWN = 0.05
_LEAST = 0.002  # nothing that a person sees changes features by less
_TOLD_SHARE = 0.1  # a threshold that moves by less is not worth a line in the log


class Adaptive:
    """A threshold of cosine distances; see `edgefeat.streaming.gates.floor`.

    Args:
        note: Called with words for the log when the threshold moves.

    Attributes:
        threshold: What it is now.
    """

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._distances = Recent()
        self._told: float | None = None
        self.threshold = _UNTIL_KNOWN

    def add(self, distance: float) -> None:
        """Take the next distance; now and then the threshold is made anew."""
        self._distances.add(distance)
        if self._distances.seen % FEWEST:
            return
        ascending = self._distances.ascending().tolist()
        reached = passed_by_noise_once(ascending)
        if reached is None:
            return
        self.threshold = max(_LEAST, reached)
        told = self._told
        if told is None or abs(self.threshold - told) > _TOLD_SHARE * told:
            self._told = self.threshold
            before = "" if told is None else f", it was {told:.4f}"
            self._note(
                f"novelty: the threshold is {self.threshold:.4f} by the last {len(ascending)} "
                f"frames{before}"
            )
