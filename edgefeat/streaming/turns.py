"""Turns at what several streams share: a few at a time, in the order in which they ask."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["Turns"]


class Turns:
    """Lets so many threads in at once; who waits longest is the next.

    A thread that leaves gives its place to that one directly. So a thread that asks again at once
    waits until all the others had a turn.

    Args:
        places: How many threads may be in at once.
    """

    def __init__(self, places: int) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._line: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._line.append(turn)
        try:
            turn.acquire()  # released by the one whose place this becomes
        except BaseException:  # such as Ctrl-C
            with self._lock:
                waits = turn in self._line
                if waits:
                    self._line.remove(turn)
            if not waits:
                self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            if self._line:
                self._line.popleft().release()
            else:
                self._free += 1
