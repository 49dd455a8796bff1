"""Iterates over a stream from asyncio: capture and inference stay off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["iterate"]

T = TypeVar("T")


async def iterate(
    records: Iterator[T], *, stop: Callable[[], None], close: Callable[[], None]
) -> AsyncIterator[T]:
    """Give the records of an iterator that blocks, from one thread of its own.

    Args:
        records: The iterator.
        stop: Makes a waiting iterator end soon; called from the event loop.
        close: Releases what the iterator holds; called in the thread.
    """
    loop = asyncio.get_running_loop()
    worker = ThreadPoolExecutor(1, thread_name_prefix="edgefeat astream")
    try:
        while (record := await loop.run_in_executor(worker, next, records, None)) is not None:
            yield record
    finally:
        stop()
        released = loop.run_in_executor(worker, close)  # after the `next` that may still run
        worker.shutdown(wait=False)
        await released
