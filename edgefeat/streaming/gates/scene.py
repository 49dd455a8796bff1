"""Watches a scene: both gates and the heartbeat, what they hold back, and what they measured.

Distances are measured with and without gates, so that a threshold can be chosen from records.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features, Pixels
from edgefeat.options.stream import AUTO, Selection
from edgefeat.streaming.gates.adaptive import Adaptive
from edgefeat.streaming.gates.calm import Change
from edgefeat.streaming.gates.motion import MotionGate
from edgefeat.streaming.gates.novelty import NoveltyGate
from edgefeat.streaming.gates.recent import Recent

__all__ = ["SceneWatch"]


class SceneWatch:
    """Decides about each frame of a stream, in two steps: its picture, then its features.

    Args:
        selection: The thresholds.
        note: Called with words for the log.

    Attributes:
        skipped_motion: Frames left out because nothing moved.
        skipped_novelty: Frames left out because their features, or labels, were as before.
        motions: The last distances of pictures, in grey levels.
        novelties: The last cosine distances of features.
    """

    def __init__(self, selection: Selection, note: Callable[[str], None]) -> None:
        self._gated = selection.gated
        self._at_least_s = selection.at_least_s
        self._motion = MotionGate(
            selection.motion, area=selection.motion_area, leave=selection.leave
        )
        novelty = Adaptive(note) if selection.novelty == AUTO else selection.novelty
        self._novelty = NoveltyGate(novelty, leave=selection.leave)
        self._by_motion = selection.motion is not None
        self._by_novelty = selection.novelty is not None
        self._by_label = selection.label_change
        self._label: str | None = None
        self._emitted_at: float | None = None
        self._is_due = False
        self._moment_s = 0.0
        self._moved: Change | None = None
        self._why: Change | None = None
        self.skipped_motion = self.skipped_novelty = 0
        self.motions, self.novelties = Recent(), Recent()

    @property
    def motion(self) -> float | None:
        """Grey levels by which the last picture differed; None for the first."""
        return self._motion.distance

    @property
    def novelty(self) -> float | None:
        """Cosine distance of the last features; None for the first."""
        return self._novelty.distance

    @property
    def novelty_threshold(self) -> float | None:
        """How large the cosine distance must be now; None without a gate."""
        return self._novelty.threshold

    @property
    def change(self) -> str | None:
        """Why the last frame passed; None without gates."""
        return None if self._why is None else self._why.value

    def wants_features(
        self, pixels: Pixels, moment_s: float, counts: NDArray[np.float32] | None = None
    ) -> bool:
        """Say whether a picture is worth an inference.

        Args:
            pixels: The model's input, uint8 `(height, width, channels)`.
            moment_s: The frame's time in seconds.
            counts: float32 `(height, width)`, 1 for pixels in which motion counts and 0 for the
                others; None: all count.
        """
        self._moment_s = moment_s
        self._moved = self._motion.look(pixels, moment_s, counts)
        if self.motion is not None:
            self.motions.add(self.motion)
        emitted_at, at_least_s = self._emitted_at, self._at_least_s
        self._is_due = (
            at_least_s is not None
            and emitted_at is not None
            and moment_s - emitted_at >= at_least_s
        )
        wanted = self._moved is not None or self._is_due
        self.skipped_motion += not wanted
        return wanted

    def wants_record(self, features: Features, label: str | None = None) -> bool:
        """Say whether the features of the picture just seen are worth a record.

        Args:
            features: float32, of any shape.
            label: The class that a head gives; None without a head.
        """
        changed = self._novelty.look(features, self._moment_s)
        if self.novelty is not None:
            self.novelties.add(self.novelty)
        why = changed if self._by_novelty else self._moved
        if why is None or (self._by_motion and self._moved is None):
            why = Change.HEARTBEAT if self._is_due else None
        if self._by_label and why is not None:
            why = self._relabelled(label)
        if why is None:
            self.skipped_novelty += 1
            return False
        self._label = label
        self._emitted_at = self._moment_s
        self._why = why if self._gated else None
        return True

    def _relabelled(self, label: str | None) -> Change | None:
        """Return why a label passes: it is the first, or another one, or it has been long."""
        if self._emitted_at is None:
            return Change.FIRST
        if label != self._label:
            return Change.CHANGE
        return Change.HEARTBEAT if self._is_due else None
