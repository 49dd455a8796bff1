"""Calls a function once nothing has happened for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

__all__ = ["IdleTimer"]


class IdleTimer:
    """Calls `action` when `touch` has not been called for `seconds`.

    One daemon thread sleeps from the first touch to the action, and ends with it; a touch in
    between only notes the time.
    """

    def __init__(self, seconds: float, action: Callable[[], None]) -> None:
        self._seconds, self._action = seconds, action
        self._touched = 0.0
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def touch(self) -> None:
        """Begin the wait anew."""
        self._touched = monotonic()
        if self._timer is None:
            with self._lock:
                if self._timer is None:
                    self._sleep(self._seconds)

    def cancel(self) -> None:
        """End the wait without the action; the next touch begins another."""
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _sleep(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._wake)
        self._timer.name = "edgefeat-idle"
        self._timer.daemon = True
        self._timer.start()

    def _wake(self) -> None:
        with self._lock:
            if self._timer is not threading.current_thread():
                return  # cancelled while it woke
            remaining = self._touched + self._seconds - monotonic()
            if remaining > 0:
                self._sleep(remaining)
                return
            self._timer = None
        self._action()
