"""Which frames are taken at all, and which part of a picture is looked at."""

from __future__ import annotations

import numpy as np

from edgefeat.arrays import Pixels
from edgefeat.errors import SourceError
from edgefeat.options.stream import Roi
from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.pictures.encoded import OnDamaged
from edgefeat.sources.base import Grab
from edgefeat.streaming.applicable import no_times

__all__ = ["Pacer", "Region"]


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
        x, y, w, h = self.place((pixels.shape[0], pixels.shape[1]), option="roi")
        return np.ascontiguousarray(pixels[y : y + h, x : x + w])

    def place(self, size_hw: tuple[int, int], *, option: str) -> tuple[int, int, int, int]:
        """Return x, y, width and height in pixels of a picture.

        Args:
            size_hw: The picture's height and width.
            option: What the user calls the part, for the message.

        Raises:
            SourceError: It reaches out of the picture.
        """
        height, width = size_hw
        scale = (width, height, width, height) if self._shares else (1, 1, 1, 1)
        x, y, w, h = (round(v * s) for v, s in zip(self._roi, scale, strict=True))
        if x + w > width or y + h > height or w < 1 or h < 1:
            raise SourceError(
                f"{w}x{h} at {x},{y} reaches out of the picture of {width}x{height}",
                option=option,
                remedy="Give shares between 0 and 1 if the size may change.",
            )
        return x, y, w, h
