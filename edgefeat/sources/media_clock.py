"""The media time of a recording's frames, as far as what the file states can be trusted."""

from __future__ import annotations

from math import isfinite

__all__ = ["MediaClock"]

_LEAST_FPS, _MOST_FPS = 0.1, 1000.0
# Times that fall are a splice if so many rose since the last one; else they are nonsense.
_STEPS_BETWEEN_SPLICES = 10


class MediaClock:
    """Times that rise from frame to frame, and no faster or slower than video can be.

    A recording of constant rate states the time of frame n twice: as a position, and as n / fps.
    While both agree to half a frame the second one is given, as it is not rounded. Else the
    position is given: videos of phones and of cameras that drop frames have a variable rate.
    Where two recordings were joined, positions fall; the time then goes on from where it was.
    Positions that do not rise, as in streams without times, are not believed from there on.

    Args:
        fps: The frame rate that the recording states; nonsense is ignored.
    """

    def __init__(self, fps: float) -> None:
        self._fps = fps if _LEAST_FPS <= fps <= _MOST_FPS else None
        self._count = self._steps = 0
        self._position_s = self._step_s = self._offset_s = 0.0
        self._trusted = True

    def tick(self, position_ms: float) -> float | None:
        """Return the time in seconds of the frame just grabbed; None if it cannot be trusted.

        Args:
            position_ms: The position that the recording states for the frame.
        """
        if not (self._trusted and isfinite(position_ms)):
            self._trusted = False
            return None
        position_s = position_ms / 1000
        if self._count == 0:
            self._trusted = abs(position_s) < 1 / _LEAST_FPS
        else:
            self._advance(position_s)
        if not self._trusted:
            return None
        self._position_s = position_s
        if self._fps is not None:
            exact_s = self._count / self._fps
            if abs(position_s + self._offset_s - exact_s) > 0.5 / self._fps:
                self._fps = None
        time_s = position_s + self._offset_s if self._fps is None else self._count / self._fps
        self._count += 1
        return time_s

    def _advance(self, position_s: float) -> None:
        """Take the step from the last position."""
        step_s = position_s - self._position_s
        if step_s < 0 and self._steps >= _STEPS_BETWEEN_SPLICES:
            self._offset_s += self._step_s - step_s
            self._steps = 0
            return
        rises = step_s > 0
        span_s = position_s + self._offset_s
        self._trusted = rises and span_s * _MOST_FPS >= self._count
        self._steps, self._step_s = self._steps + 1, step_s
