"""All pictures at hand: how many all workers together finish in a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

from edgefeat.bench.load_results import Offline
from edgefeat.bench.pipeline import Item, Pipeline
from edgefeat.bench.plan import OfflineLoad, workers_used

__all__ = ["offline"]


def offline(
    pipeline: Pipeline,
    items: Sequence[Item],
    load: OfflineLoad,
    on_share: Callable[[float], None],
) -> Offline:
    """Let every worker take the next picture until the time is up; count what they did.

    Args:
        pipeline: Makes features of a picture.
        items: Pictures, taken in turn and again from the first.
        load: How long and with how many workers.
        on_share: Called with the share of the time that is over, 0 to 1.
    """
    supply = cycle(items)
    lock = threading.Lock()
    workers = workers_used(load)
    calls = 0
    started = time.perf_counter()

    def work() -> None:
        nonlocal calls
        while (elapsed_s := time.perf_counter() - started) < load.duration_s:
            with lock:
                picture = next(supply)
                on_share(elapsed_s / load.duration_s)
            pipeline(picture)
            with lock:
                calls += 1

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()
    elapsed_s = time.perf_counter() - started
    return Offline(workers=workers, calls=calls, calls_per_s=round(calls / elapsed_s, 2))
