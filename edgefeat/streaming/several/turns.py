"""Turns at what several streams share: a few at a time, in the order in which they ask."""

from __future__ import annotations

import threading
import time
from collections import deque

__all__ = ["Turns"]


class Turns:
    """Lets so many threads in at once; who waits longest is the next.

    A thread that leaves gives its place to that one directly. So a thread that asks again at once
    waits until all the others had a turn. The place of one that hangs is lent to the next.

    Args:
        places: How many threads may be in at once.
        patience_s: How long a thread may be in before it counts as one that hangs.
    """

    def __init__(self, places: int, *, patience_s: float = 30.0) -> None:
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._free = places
        self._line: deque[threading.Lock] = deque()
        self._inside: dict[int, float] = {}  # since when, by thread; without those that hang

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                self._note_entry()
                return
            turn = threading.Lock()
            turn.acquire()
            self._line.append(turn)
        try:
            self._wait_for(turn)
        except BaseException:  # such as Ctrl-C
            with self._lock:
                if turn in self._line:
                    self._line.remove(turn)
                else:
                    self._pass_on()
            raise

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._inside.pop(threading.get_ident(), None) is not None:
                self._pass_on()

    def _wait_for(self, turn: threading.Lock) -> None:
        """Wait until a thread that leaves releases the lock, or until one hangs."""
        while not turn.acquire(timeout=self._patience_s):
            with self._lock:
                if turn in self._line and self._forget_one_that_hangs():
                    self._line.remove(turn)
                    self._note_entry()
                    return
        with self._lock:
            self._note_entry()

    def _note_entry(self) -> None:
        self._inside[threading.get_ident()] = time.monotonic()

    def _forget_one_that_hangs(self) -> bool:
        longest = min(self._inside, key=self._inside.__getitem__, default=None)
        if longest is None or time.monotonic() - self._inside[longest] < self._patience_s:
            return False
        del self._inside[longest]
        return True

    def _pass_on(self) -> None:
        if self._line:
            self._line.popleft().release()
        else:
            self._free += 1
