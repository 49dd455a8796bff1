"""Tells calm from change: when a picture or its features depart from how the scene has been.

One state machine for every kind of distance, with two thresholds so that it does not chatter:

    calm    farther from the calm scene than the threshold    -> active, `enter`
    active  farther from the last that passed than it         -> active, `change`
    active  nearer to the calm scene than `leave` of it       -> calm,   `leave`
    active  unchanged for a minute                            -> calm: so the scene is now

What is calm follows the scene slowly, so that dusk is no event.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from math import exp
from typing import Generic, TypeVar

__all__ = ["Calm", "Change"]

_FOLLOW_S = 60.0  # the calm scene is a mean over about so long
_SETTLED_S = 60.0  # what has stood so long belongs to the scene

T = TypeVar("T")


class Change(StrEnum):
    """Why a frame passes."""

    FIRST = "first"  # nothing was before it
    ENTER = "enter"  # the scene departs from how it has been
    CHANGE = "change"  # it changed again since then
    LEAVE = "leave"  # it is as before
    HEARTBEAT = "heartbeat"  # it has been long since the last record


class Calm(Generic[T]):
    """Compares each state of a scene with those before.

    Args:
        distance: Returns how far a state (first) is from an earlier one (second).
        blend: Returns an earlier state (first) moved towards a later one by a share.
        leave: Share of the threshold below which an active scene is calm again.

    Attributes:
        distance: How far the last state was from what it was compared with; None for the first.
    """

    def __init__(
        self,
        distance: Callable[[T, T], float],
        blend: Callable[[T, T, float], T],
        leave: float,
    ) -> None:
        self._measure, self._blend, self._leave = distance, blend, leave
        self._calm: T | None = None
        self._last: T | None = None
        self._active = False
        self._seen = 0
        self._looked_at = self._moved_at = 0.0
        self.distance: float | None = None

    def measure(self, state: T) -> float | None:
        """Return how far a state is from the calm scene, and keep nothing; None if none is known.

        Args:
            state: The state.
        """
        return None if self._calm is None else self._measure(state, self._calm)

    def look(self, state: T, threshold: float | None, moment_s: float) -> Change | None:
        """Return why a state passes; None if it does not.

        Args:
            state: The state.
            threshold: Distance above which a scene has changed; None lets everything pass.
            moment_s: The frame's time in seconds.
        """
        calm, last = self._calm, self._last
        if calm is None or last is None:
            self._calm = self._last = state
            self._looked_at = self._moved_at = moment_s
            self._seen = 1
            return Change.FIRST
        elapsed_s, self._looked_at = max(0.0, moment_s - self._looked_at), moment_s
        if threshold is None:
            self.distance = self._measure(state, last)
            self._calm = self._last = state
            return Change.CHANGE
        share = 1 - exp(-elapsed_s / _FOLLOW_S)
        if self._active:
            return self._while_active(state, calm, last, threshold, share)
        self.distance = self._measure(state, calm)
        if self.distance > threshold:
            self._active, self._last, self._moved_at = True, state, moment_s
            return Change.ENTER
        # The mean of all frames so far, until that would follow more slowly than it should.
        self._seen += 1
        self._calm = self._blend(calm, state, max(share, 1 / self._seen))
        return None

    def _while_active(
        self, state: T, calm: T, last: T, threshold: float, share: float
    ) -> Change | None:
        self.distance = self._measure(state, last)
        if self._measure(state, calm) < self._leave * threshold:
            self._active = False
            self._calm = self._blend(calm, state, share)
            return Change.LEAVE
        if self.distance > threshold:
            self._last, self._moved_at = state, self._looked_at
            return Change.CHANGE
        self._last = self._blend(last, state, share)
        if self._looked_at - self._moved_at >= _SETTLED_S:
            self._active, self._calm, self._seen = False, self._last, 1
        return None
