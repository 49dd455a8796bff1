"""Which frames are worth an inference, and which features are worth emitting.

Each gate answers yes or no and counts what it held back; none makes up or repeats a frame.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.arrays import Features, Pixels
from edgefeat.errors import SourceError
from edgefeat.options.stream import Roi
from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.pictures.encoded import OnDamaged
from edgefeat.sources.base import Grab
from edgefeat.streaming.applicable import no_times

__all__ = ["MotionGate", "NoveltyGate", "Pacer", "Region"]

_BLOCK_SIDE = 16


class Pacer:
    """Chooses frames by count and by time, before they are decoded.

    Args:
        every: Take one frame of so many.
        fps: Take at most so many frames a second; None: all.

    Attributes:
        fps: The rate that was asked for; None for all frames.
        by_arrival: Whether the time of a frame is that of its arrival; else it is the source's own.
        skipped: Frames that were not taken.
    """

    def __init__(self, every: int, fps: float | None) -> None:
        self._every, self.fps = every, fps
        self.by_arrival = False
        self._interval_s = 1 / fps if fps else None
        self._due_s = self._last_s = float("-inf")
        self._seen = 0
        self.skipped = 0

    @property
    def needs_times(self) -> bool:
        """Whether frames are chosen by the source's own times."""
        return self._interval_s is not None and not self.by_arrival

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
        now = grab.captured_at if self.by_arrival else grab.media_s
        if now is None:
            raise no_times(None)
        # Of two frames around the due time the nearer one is meant: capture times jitter.
        early_s, self._last_s = 0.5 * (now - self._last_s), now
        if now < self._due_s - early_s:
            return False
        # The grid is kept, so that 20 of 30 fps are 20 and not 15; after a gap it starts anew.
        on_grid = now < self._due_s + self._interval_s
        self._due_s = (self._due_s if on_grid else now) + self._interval_s
        return True


class Region:
    """A part of the picture.

    Args:
        roi: Which part.
    """

    def __init__(self, roi: Roi) -> None:
        self._roi = roi
        self._shares = max(roi) <= 1

    def cut(self, image: ImageInput, *, on_damaged: OnDamaged | None = None) -> Pixels:
        """Return the part: uint8 `(height, width, 3)`, BGR.

        Args:
            image: The whole picture.
            on_damaged: Called where the decoder reports damage; see `load_bgr`.

        Raises:
            ImageError: The picture cannot be decoded.
            SourceError: The region reaches out of the picture.
        """
        pixels = load_bgr(image, on_damaged=on_damaged)
        height, width = pixels.shape[:2]
        scale = (width, height, width, height) if self._shares else (1, 1, 1, 1)
        x, y, w, h = (round(v * s) for v, s in zip(self._roi, scale, strict=True))
        if x + w > width or y + h > height or w < 1 or h < 1:
            raise SourceError(
                f"{w}x{h} at {x},{y} reaches out of the picture of {width}x{height}",
                option="roi",
                remedy="Give shares between 0 and 1 if the size may change.",
            )
        return np.ascontiguousarray(pixels[y : y + h, x : x + w])


class MotionGate:
    """Passes pictures that differ from the last one passed.

    Means of blocks are compared: sensor noise averages out in a block, a small thing that moves
    does not. The reference is the last picture *passed*, so slow drift is noticed too.

    Args:
        threshold: How many grey levels a block's mean must change by.

    Attributes:
        skipped: Pictures that were not passed.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._reference: NDArray[np.float32] | None = None
        self.skipped = 0

    def passes(self, pixels: Pixels) -> bool:
        """Say whether the model's input, uint8 `(height, width, channels)`, has changed."""
        height, width = pixels.shape[:2]
        size = (max(1, width // _BLOCK_SIDE), max(1, height // _BLOCK_SIDE))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        blocks = small.astype(np.float32)
        reference = self._reference
        if reference is not None and np.abs(blocks - reference).max() <= self._threshold:
            self.skipped += 1
            return False
        self._reference = blocks
        return True


class NoveltyGate:
    """Passes features that moved away from the last ones passed.

    Args:
        epsilon: How large the cosine distance must be.

    Attributes:
        skipped: Features that were not passed.
    """

    def __init__(self, epsilon: float) -> None:
        self._epsilon = epsilon
        self._reference: NDArray[np.float64] | None = None
        self.skipped = 0

    def passes(self, features: Features) -> bool:
        """Say whether the cosine distance to the last features passed is above epsilon.

        Args:
            features: float32, of any shape.
        """
        unit = features.reshape(-1).astype(np.float64)
        unit /= np.linalg.norm(unit) or 1.0
        if self._reference is not None and 1 - float(unit @ self._reference) <= self._epsilon:
            self.skipped += 1
            return False
        self._reference = unit
        return True
