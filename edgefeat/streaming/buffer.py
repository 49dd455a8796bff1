"""The bounded place between capture and the user's code."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import Grab

__all__ = ["Buffer", "Captured", "Policy"]


class Policy(StrEnum):
    """What happens to frames the user's code is too slow for."""

    NEWEST = "newest"  # an older one makes room and is counted as dropped
    ALL = "all"  # a file waits; a camera's frames are kept as far as a few places reach


@dataclass(frozen=True, slots=True)
class Captured:
    """One frame on its way: its place in the source, its stamp, its picture."""

    index: int
    grab: Grab
    image: ImageInput


class Buffer:
    """A few frames under one lock: one side puts, the other takes.

    Args:
        places: How many frames fit.
        waits: Whether `put` waits for room; else the oldest frame makes room and is counted.
    """

    def __init__(self, places: int, *, waits: bool) -> None:
        self._places, self._waits = places, waits
        self._frames: deque[Captured] = deque()
        # Re-entrant, so that a signal handler may end the stream while its thread holds the lock.
        self._changed = threading.Condition(threading.RLock())
        self._ended = False
        self._error: BaseException | None = None
        self.dropped = 0

    def put(self, frame: Captured) -> None:
        """Add a frame; once the stream has ended, do nothing."""
        with self._changed:
            while self._waits and len(self._frames) >= self._places and not self._ended:
                self._changed.wait()
            if self._ended:
                return
            if len(self._frames) >= self._places:
                self._frames.popleft()
                self.dropped += 1
            self._frames.append(frame)
            self._changed.notify_all()

    def take(self) -> Captured | None:
        """Wait for the oldest frame; None once the stream has ended and all frames are taken.

        Raises:
            BaseException: What ended the stream.
        """
        with self._changed:
            while not self._frames and not self._ended:
                self._changed.wait()
            if self._frames:
                frame = self._frames.popleft()
                self._changed.notify_all()
                return frame
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            return None

    def end(self, error: BaseException | None = None, *, discard: bool = False) -> None:
        """Say that no frame will come; `discard` throws away those still here."""
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
            if discard:
                self._frames.clear()
                self._error = None
            self._changed.notify_all()
