"""Applies a function to groups of an endless stream, in order, on several threads, bounded."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["check_batch", "check_several", "map_groups"]

T = TypeVar("T")
R = TypeVar("R")
_BATCH_MAX = 1024


def check_batch(batch: int) -> int:
    """Return the group size, or say what is wrong with it.

    Raises:
        ValueError: Below 1, or so large that memory is at risk.
    """
    if batch < 1:
        raise ValueError(f"batch: expected 1 or more, got {batch}")
    if batch > _BATCH_MAX:
        raise ValueError(
            f"batch: expected at most {_BATCH_MAX}, got {batch}. Larger ones only cost memory; "
            "any number of pictures can be passed."
        )
    return batch


def check_several(images: object) -> None:
    """Say so if one picture came where several were expected; a path would iterate its letters.

    Raises:
        TypeError: It is a path or an encoded picture.
    """
    if isinstance(images, str | bytes | bytearray | os.PathLike):
        raise TypeError(
            f"images: expected several pictures, got one {type(images).__name__}. Pass a list, or "
            "use extract."
        )


def map_groups(
    work: Callable[[list[T]], list[R]], items: Iterable[T], *, size: int, threads: int
) -> Iterator[R]:
    """Yield what `work` returns for each group of `size` items, item by item, in order.

    At most two groups a thread are under way or waiting, however long `items` is; items are taken
    one group at a time, on the caller's thread. An error reaches the caller in its place.
    """
    if threads < 1:
        raise ValueError(f"threads: expected 1 or more, got {threads}")
    remaining = iter(items)
    groups = iter(lambda: list(islice(remaining, size)), [])
    if threads == 1:
        for group in groups:
            yield from work(group)
        return
    from concurrent.futures import ThreadPoolExecutor  # 2 MB that a single picture saves

    pool = ThreadPoolExecutor(threads, thread_name_prefix="edgefeat")
    try:
        pending: deque[Future[list[R]]] = deque()
        for group in groups:
            pending.append(pool.submit(work, group))
            if len(pending) >= 2 * threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
