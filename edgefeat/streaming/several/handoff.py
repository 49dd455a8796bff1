"""Hands items from several threads to one, each as it is asked for."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from edgefeat.streaming.waiting import wait_a_little

__all__ = ["Handoff"]

T = TypeVar("T")


class Handoff(Generic[T]):
    """Each giver waits until its item is taken; items are taken in the order in which they came."""

    def __init__(self) -> None:
        self._items: deque[tuple[T, threading.Lock]] = deque()  # each lock is let go with its item
        # A signal handler may close it in the thread that takes.
        self._changed = threading.Condition(threading.RLock())
        self._ended = self._closed = False

    def put(self, item: T) -> bool:
        """Give an item and wait until it is taken; false if nothing will be taken any more."""
        taken = self.add(item)
        taken.acquire()
        return not self._closed

    def add(self, item: T) -> threading.Lock:
        """Give an item; return a lock that is free once it was taken, or never will be."""
        taken = threading.Lock()
        with self._changed:
            if not self._closed:
                taken.acquire()
                self._items.append((item, taken))
                self._changed.notify()
        return taken

    def take(self) -> T | None:
        """Wait for the next item; None once all givers have ended."""
        with self._changed:
            while not (self._items or self._ended or self._closed):
                wait_a_little(self._changed)
            if not self._items:
                return None
            item, taken = self._items.popleft()
            taken.release()
            return item

    def end(self) -> None:
        """Say that no more items will be given."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def close(self) -> None:
        """Take nothing any more: items that were not taken are dropped."""
        with self._changed:
            self._closed = True
            while self._items:
                self._items.popleft()[1].release()
            self._changed.notify()
