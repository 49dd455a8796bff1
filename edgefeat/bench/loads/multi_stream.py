"""Queries of several pictures: a query is done when the last of its pictures is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import numpy as np

from edgefeat.bench.load_results import MultiStream
from edgefeat.bench.pipeline import Item, Pipeline
from edgefeat.bench.plan import MultiStreamLoad, workers_used
from edgefeat.bench.statistics.summary import latency_summary
from edgefeat.measures.percentiles import min_samples

__all__ = ["multi_stream"]

_FEWEST_QUERIES = min_samples(0.9)  # p90 can be stated
_MS_PER_S = 1e3


def multi_stream(
    pipeline: Pipeline,
    items: Sequence[Item],
    load: MultiStreamLoad,
    on_share: Callable[[float], None],
) -> MultiStream:
    """Time queries, one after the other.

    Args:
        pipeline: Makes features of a picture.
        items: Pictures, taken in turn and again from the first.
        load: How long and with how many pictures a query.
        on_share: Called with the share of the time that is over, 0 to 1.
    """
    supply = cycle(items)
    latencies_ms: list[float] = []
    started = time.perf_counter()
    workers = workers_used(load)
    with ThreadPoolExecutor(workers) as pool:
        elapsed_s = 0.0
        while elapsed_s < load.duration_s or len(latencies_ms) < _FEWEST_QUERIES:
            query = list(islice(supply, load.streams))
            before = time.perf_counter()
            list(pool.map(pipeline, query))
            latencies_ms.append(_MS_PER_S * (time.perf_counter() - before))
            elapsed_s = time.perf_counter() - started
            on_share(min(1.0, elapsed_s / load.duration_s, len(latencies_ms) / _FEWEST_QUERIES))
    return MultiStream(
        streams=load.streams, workers=workers, query=latency_summary(np.array(latencies_ms))
    )
