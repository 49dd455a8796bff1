"""Hands items from several threads to one, each as it is asked for."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

__all__ = ["Handoff"]

T = TypeVar("T")


class Handoff(Generic[T]):
    """Each giver waits until its item is taken; items are taken in the order in which they came."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        # A signal handler may close it in the thread that takes.
        self._changed = threading.Condition(threading.RLock())
        self._ended = self._closed = False

    def put(self, item: T) -> bool:
        """Give an item and wait until it is taken; false if nothing will be taken any more."""
        with self._changed:
            self.add(item)
            while not self._closed and any(one is item for one in self._items):
                self._changed.wait()
            return not self._closed

    def add(self, item: T) -> None:
        """Give an item and go on at once."""
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def take(self) -> T | None:
        """Wait for the next item; None once all givers have ended."""
        with self._changed:
            while not (self._items or self._ended or self._closed):
                self._changed.wait()
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def end(self) -> None:
        """Say that no more items will be given."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Take nothing any more: items that were not taken are dropped."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
