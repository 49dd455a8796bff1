"""Calls a function once nothing has happened for a while."""

from __future__ import annotations

from _thread import start_new_thread  # see `IdleTimer`
from collections.abc import Callable
from time import monotonic

from edgefeat.locks import LockType, allocate_lock

__all__ = ["IdleTimer"]

_LONGEST_WAIT_S = 1e6  # a lock accepts no infinite wait


class IdleTimer:
    """Calls `action` when `touch` has not been called for `seconds`.

    One thread sleeps from the first touch to the action, and ends with it; a touch in between only
    notes the time. The thread is not one of `threading`, which waits for a new thread to begin, and
    for ever if memory is too short for it to begin. It never keeps a program from ending.

    Args:
        seconds: How long nothing must happen.
        action: What is called then, on the timer's thread.
    """

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        self._seconds, self._action = seconds, action
        self._touched = 0.0
        self._lock = allocate_lock()
        self._cancelled: LockType | None = None  # releasing it ends the wait that is on

    def touch(self) -> None:
        """Begin the wait anew."""
        self._touched = monotonic()
        if self._cancelled is None:
            with self._lock:
                if self._cancelled is None:
                    cancelled = allocate_lock()
                    cancelled.acquire()
                    start_new_thread(self._wait, (cancelled,))
                    self._cancelled = cancelled

    def cancel(self) -> None:
        """End the wait without the action; the next touch begins another."""
        with self._lock:
            cancelled, self._cancelled = self._cancelled, None
        if cancelled is not None:
            cancelled.release()

    def _wait(self, cancelled: LockType) -> None:
        while True:
            remaining = self._touched + self._seconds - monotonic()
            if remaining > 0:
                if cancelled.acquire(timeout=min(remaining, _LONGEST_WAIT_S)):
                    return
                continue
            with self._lock:
                if self._cancelled is not cancelled:
                    return
                if self._touched + self._seconds > monotonic():
                    continue  # touched meanwhile
                self._cancelled = None
            self._action()
            return
