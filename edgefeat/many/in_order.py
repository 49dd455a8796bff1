"""One ordered pool of workers: a function applied to a stream of any length, results in order.

ONNX Runtime and OpenCV release the interpreter lock, so that two threads keep two cores busy.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["groups_of", "map_in_order"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int, ahead: int
) -> Generator[Result, None, None]:
    """Yield `work(item)` for every item, in order; close it where it may be left early.

    Items are taken on the caller's thread, so an iterator that is not safe for threads will do. An
    error that `work` or the iterator raises reaches the caller in its place and ends the workers;
    so does leaving early, and items not begun are then dropped.

    Args:
        work: Called from several threads at once; with one worker, on the caller's thread.
        items: An iterable that may never end.
        workers: Threads that work.
        ahead: Items for each worker that may be taken before the caller wants their results.
            Memory is bounded by it: 2 suffice to keep workers busy. With many more, results are
            handed over several at a time, because waking the caller for each costs time, too.
    """
    if workers == 1:
        for item in items:
            yield work(item)
        return
    from concurrent.futures import ThreadPoolExecutor, wait  # 2 MB that a single picture saves

    most_pending = ahead * workers
    at_once = max(1, most_pending // 8)
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="edgefeat")
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) == most_pending:
                wait([pending[at_once - 1]])
                for _ in range(at_once):
                    yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def groups_of(size: int, items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items in lists of `size`, the last one shorter if they do not divide."""
    remaining = iter(items)
    while group := list(islice(remaining, size)):
        yield group
