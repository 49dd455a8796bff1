"""Which frames are worth an inference, and which features are worth emitting.

Each gate answers yes or no and counts what it held back; none makes up or repeats a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SourceError
from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.sources.base import Grab

__all__ = ["MotionGate", "NoveltyGate", "Pacer", "Region", "Selection"]

Pixels = NDArray[np.uint8]
Features = NDArray[np.float32]
_BLOCK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which frames to take, which part of them, and which features to emit.

    Attributes:
        fps: At most so many frames a second.
        every: One frame of so many.
        roi: Part of the picture as (x, y, width, height): pixels, or shares if all are at most 1.
        motion: Infer only where a block of 16 x 16 input pixels changed by more grey levels.
        novelty: Emit only features further than this cosine distance from the last emitted.
    """

    fps: float | None = None
    every: int = 1
    roi: tuple[float, float, float, float] | None = None
    motion: float | None = None
    novelty: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and not 0 < self.fps <= 1000:
            raise ValueError(f"fps: expected more than 0 and at most 1000, got {self.fps}")
        if self.every < 1:
            raise ValueError(f"every: expected 1 or more, got {self.every}")
        if self.motion is not None and not 0 < self.motion < 255:
            raise ValueError(f"motion: expected grey levels between 0 and 255, got {self.motion}")
        if self.novelty is not None and not 0 < self.novelty < 2:
            raise ValueError(f"novelty: expected a cosine distance in 0..2, got {self.novelty}")
        if self.roi is not None:
            Region(self.roi)


class Pacer:
    """Chooses frames by count and by time, before they are decoded."""

    def __init__(self, every: int, fps: float | None, *, live: bool) -> None:
        self._every, self._live = every, live
        self._interval_s = 1 / fps if fps else None
        self._due_s = self._last_s = float("-inf")
        self._seen = 0
        self.skipped = 0

    def wants(self, grab: Grab) -> bool:
        """Say whether to take the frame just grabbed.

        Raises:
            SourceError: A rate was asked of a source whose frames have no time.
        """
        chosen = self._seen % self._every == 0 and self._is_due(grab)
        self._seen += 1
        self.skipped += not chosen
        return chosen

    def _is_due(self, grab: Grab) -> bool:
        if self._interval_s is None:
            return True
        now = grab.captured_at if self._live else grab.media_s
        if now is None:
            raise SourceError(
                "fps: this source states no time of its frames that can be trusted. "
                "Use `every` to take one frame of so many."
            )
        # Of two frames around the due time the nearer one is meant: capture times jitter.
        early_s, self._last_s = 0.5 * (now - self._last_s), now
        if now < self._due_s - early_s:
            return False
        # The grid is kept, so that 20 of 30 fps are 20 and not 15; after a gap it starts anew.
        on_grid = now < self._due_s + self._interval_s
        self._due_s = (self._due_s if on_grid else now) + self._interval_s
        return True


class Region:
    """A part of the picture: pixels, or shares of its sides if no number is above 1."""

    def __init__(self, roi: tuple[float, float, float, float]) -> None:
        x, y, width, height = roi
        if min(x, y) < 0 or min(width, height) <= 0:
            raise ValueError(f"roi: expected x, y, width, height inside the picture, got {roi}")
        self._roi = roi
        self._shares = max(roi) <= 1

    def cut(self, image: ImageInput) -> Pixels:
        """Return the part: uint8 `(height, width, 3)`, BGR.

        Raises:
            ImageError: The picture cannot be decoded.
            SourceError: The region reaches out of the picture.
        """
        pixels = load_bgr(image)
        height, width = pixels.shape[:2]
        scale = (width, height, width, height) if self._shares else (1, 1, 1, 1)
        x, y, w, h = (round(v * s) for v, s in zip(self._roi, scale, strict=True))
        if x + w > width or y + h > height or w < 1 or h < 1:
            raise SourceError(
                f"roi: {w}x{h} at {x},{y} reaches out of the picture of {width}x{height}. "
                "Give shares between 0 and 1 if the size may change."
            )
        return np.ascontiguousarray(pixels[y : y + h, x : x + w])


class MotionGate:
    """Passes pictures that differ from the last one passed.

    Block means are compared, as sensor noise averages out in a block while a small thing that
    moves does not; the last *passed* picture is the reference, so slow drift is noticed too.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._reference: NDArray[np.float32] | None = None
        self.skipped = 0

    def passes(self, pixels: Pixels) -> bool:
        """Say whether the model's input, uint8 `(height, width, channels)`, has changed."""
        height, width = pixels.shape[:2]
        size = (max(1, width // _BLOCK), max(1, height // _BLOCK))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        blocks = small.astype(np.float32)
        reference = self._reference
        if reference is not None and np.abs(blocks - reference).max() <= self._threshold:
            self.skipped += 1
            return False
        self._reference = blocks
        return True


class NoveltyGate:
    """Passes features that moved away from the last ones passed."""

    def __init__(self, epsilon: float) -> None:
        self._epsilon = epsilon
        self._reference: NDArray[np.float64] | None = None
        self.skipped = 0

    def passes(self, features: Features) -> bool:
        """Say whether the cosine distance to the last features passed is above epsilon."""
        unit = features.reshape(-1).astype(np.float64)
        unit /= np.linalg.norm(unit) or 1.0
        if self._reference is not None and 1 - float(unit @ self._reference) <= self._epsilon:
            self.skipped += 1
            return False
        self._reference = unit
        return True
