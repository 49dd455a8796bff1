"""Calls a user's function in a thread of its own, so that one that blocks or fails stops nothing.

Events and live numbers are told this way: what listens may be a log that nobody reads or a full
disk, and neither may keep a stream from reading its camera or from stopping.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Outlet"]

T = TypeVar("T")


class Outlet(Generic[T]):
    """A bounded queue in front of a function.

    Args:
        tell: The function. The first exception that it raises is shown as that of a thread is.
        name: What the function is for, as its thread is called.
        places: How many items may wait; beyond that the oldest makes room and is counted.
        every_s: How often to tell what `make` returns.
        make: Makes an item for `every_s`.

    Attributes:
        untold: Items that were not told: the function was too slow for them, or raised.
    """

    def __init__(
        self,
        tell: Callable[[T], object],
        *,
        name: str,
        places: int = 256,
        every_s: float = float("inf"),
        make: Callable[[], T] | None = None,
    ) -> None:
        self._tell, self._places = tell, places
        self._every_s, self._make = every_s, make
        self._items: deque[T] = deque()
        self._changed = threading.Condition(threading.RLock())  # a signal handler may put
        self._closing = self._shown = False
        self.untold = 0
        self._thread = threading.Thread(target=self._run, name=f"edgefeat {name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, item: T) -> None:
        """Have an item told soon; never waits."""
        with self._changed:
            if len(self._items) >= self._places:
                self._items.popleft()
                self.untold += 1
            self._items.append(item)
            self._changed.notify_all()

    def close(self, timeout_s: float) -> None:
        """Have what waits told, and wait for that, but no longer than `timeout_s`."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is None or self._thread is threading.current_thread():
            return
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            with self._changed:
                self.untold += len(self._items)
                self._items.clear()

    def _run(self) -> None:
        due_at = time.monotonic() + self._every_s
        while True:
            with self._changed:
                while not self._items and not self._closing and time.monotonic() < due_at:
                    left_s = due_at - time.monotonic()
                    self._changed.wait(None if left_s == float("inf") else max(0.0, left_s))
                if self._items:
                    item = self._items.popleft()
                elif self._closing or self._make is None:
                    return
                else:
                    due_at += self._every_s
                    due_at = max(due_at, time.monotonic())
                    item = self._make()
            self._tell_one(item)

    def _tell_one(self, item: T) -> None:
        try:
            self._tell(item)
        except Exception as error:  # noqa: BLE001 - shown and counted
            self.untold += 1
            if not self._shown:
                self._shown = True
                shown = (type(error), error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(shown))
