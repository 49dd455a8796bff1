"""The bounded place between capture and the user's code."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import Grab, Unconverted
from edgefeat.streaming.waiting import wait_a_little

__all__ = ["Buffer", "Captured", "Policy"]


class Policy(StrEnum):
    """What happens to frames the user's code is too slow for."""

    NEWEST = "newest"  # an older one makes room and is counted as dropped
    ALL = "all"  # a file waits; a camera's frames are kept as far as a few places reach


@dataclass(frozen=True, slots=True)
class Captured:
    """One frame on its way to the user's code.

    Attributes:
        index: The frame's number in the source, from 0.
        grab: When the frame was taken, and its name.
        image: The picture: pixels, encoded bytes, a path, or what becomes pixels when it is taken.
        gap_s: Seconds without a connection before it; None if there was one all along.
    """

    index: int
    grab: Grab
    image: ImageInput | Unconverted
    gap_s: float | None = None

    def picture(self) -> ImageInput:
        """Return the picture, converted if that is still to be done.

        Raises:
            FrameError: It cannot be shown.
        """
        return self.image.convert() if isinstance(self.image, Unconverted) else self.image


class Buffer:
    """A few frames under one lock: one side puts, the other takes.

    Attributes:
        lock: The lock of the capture side of a stream. It is re-entrant, so that a signal handler
            may end the stream while its thread holds it.
        dropped: Frames that made room for newer ones.
        discarded: Frames that were thrown away because the stream was stopped.
    """

    def __init__(self) -> None:
        self._places, self._waits = 1, False
        self._frames: deque[Captured] = deque()
        self.lock = threading.Condition(threading.RLock())
        self._ended = False
        self._gap_s: float | None = None
        self._error: BaseException | None = None
        self.dropped = self.discarded = 0

    def set_room(self, places: int, *, waits: bool) -> None:
        """Say how frames are kept from now on.

        Args:
            places: How many frames fit.
            waits: Whether `put` waits for room; else the oldest frame makes room and is counted.
        """
        with self.lock:
            self._places, self._waits = places, waits
            self.lock.notify_all()

    def put(self, frame: Captured, *, allowed: Callable[[], bool]) -> bool:
        """Add a frame; return whether it was taken.

        Args:
            frame: The frame.
            allowed: Whether the writer may still write, asked under the lock. A writer that waits
                for room is to be woken by `lock.notify_all()` when it may no longer.
        """
        with self.lock:
            while self._waits and len(self._frames) >= self._places and self._open_to(allowed):
                self.lock.wait()
            if not self._open_to(allowed):
                return False
            if len(self._frames) >= self._places:
                self._owe(self._frames.popleft().gap_s)
                self.dropped += 1
            self._frames.append(frame)
            self.lock.notify_all()
            return True

    def wait(self) -> bool:
        """Wait until `take` need not; false once the stream has ended and all frames are taken."""
        with self.lock:
            while not self._frames and not self._ended:
                wait_a_little(self.lock)
            return bool(self._frames) or self._error is not None

    def take(self) -> Captured | None:
        """Wait for the oldest frame; None once the stream has ended and all frames are taken.

        Raises:
            BaseException: What ended the stream.
        """
        with self.lock:
            while not self._frames and not self._ended:
                wait_a_little(self.lock)
            if self._frames:
                frame = self._frames.popleft()
                self._owe(frame.gap_s)
                gap_s, self._gap_s = self._gap_s, None
                self.lock.notify_all()
                return frame if gap_s == frame.gap_s else replace(frame, gap_s=gap_s)
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            return None

    def end(self, error: BaseException | None = None, *, discard: bool = False) -> None:
        """Say that no frame will come.

        Args:
            error: What ended the stream, to be raised once the frames here are taken.
            discard: Whether to throw away the frames here, and the error.
        """
        with self.lock:
            if not self._ended:
                self._ended, self._error = True, error
            if discard:
                self.discarded += len(self._frames)
                self._frames.clear()
                self._error = None
            self.lock.notify_all()

    def _owe(self, gap_s: float | None) -> None:
        """Keep the gap before a frame for the next frame that is taken."""
        if gap_s is not None:
            self._gap_s = max(gap_s, self._gap_s or 0.0)

    def _open_to(self, allowed: Callable[[], bool]) -> bool:
        return not self._ended and allowed()
