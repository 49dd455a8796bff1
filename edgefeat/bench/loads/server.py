"""Pictures that arrive at random times: the highest rate whose latency keeps a bound."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import numpy as np

from edgefeat.bench.load_results import Server, ServerTrial
from edgefeat.bench.pipeline import Item, Pipeline
from edgefeat.bench.plan import ServerLoad, workers_used
from edgefeat.measures.percentiles import min_samples, over_allowed

__all__ = ["server"]

_SEED = 20261121  # every trial has the same arrivals, faster or slower
_QUANTILE = 0.99  # MLPerf's
_CALLS = min_samples(_QUANTILE)
_LATE_ALLOWED = over_allowed(_CALLS, _QUANTILE)
_TRIALS = 7  # each halves the range, so the rate is known to 1 % of what the workers can do
_TRIALS_WITHOUT_HOPE = 4  # not even a sixteenth of what the workers can do keeps the bound
_CALLS_FOR_A_GUESS = 16
_HEAD_START_S = 0.01  # the workers wait for the first picture
_MS_PER_S = 1e3
_NS_PER_S = 1e9


def server(
    pipeline: Pipeline,
    items: Sequence[Item],
    load: ServerLoad,
    on_share: Callable[[float], None],
) -> Server:
    """Search the highest rate of Poisson arrivals whose p99 keeps the bound.

    Args:
        pipeline: Makes features of a picture.
        items: Pictures, taken in turn and again from the first.
        load: The bound of p99, and how many workers.
        on_share: Called with the share of the search that is over, 0 to 1.
    """
    workers = workers_used(load)
    low, high = 0.0, workers / _typical_s(pipeline, items)
    trials: list[ServerTrial] = []
    for number in range(_TRIALS):
        rate_per_s = (low + high) / 2
        trials.append(_Trial(pipeline, load.latency_bound_ms).run(items, rate_per_s, workers))
        low, high = (rate_per_s, high) if trials[-1].passed else (low, rate_per_s)
        on_share((number + 1) / _TRIALS)
        if not low and len(trials) == _TRIALS_WITHOUT_HOPE:
            break
    return Server(
        bound_ms=load.latency_bound_ms,
        quantile=_QUANTILE,
        workers=workers,
        rate_per_s=round(low, 2) or None,
        trials=tuple(trials),
    )


def _typical_s(pipeline: Pipeline, items: Sequence[Item]) -> float:
    """Return the median time of one call."""
    calls = [pipeline(picture) for picture in islice(cycle(items), _CALLS_FOR_A_GUESS)]
    return float(np.median([(call[-1] - call[0]) / _NS_PER_S for call in calls]))


class _Trial:
    """As many arrivals at one rate as the percentile needs; it ends once too many are late."""

    def __init__(self, pipeline: Pipeline, bound_ms: float) -> None:
        self._pipeline, self._bound_ms = pipeline, bound_ms
        self._waiting: queue.SimpleQueue[tuple[float, Item] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._late = 0

    def run(self, items: Iterable[Item], rate_per_s: float, workers: int) -> ServerTrial:
        """Let pictures arrive at a rate, on average, and return how many were late."""
        gaps_s = np.random.default_rng(_SEED).exponential(1 / rate_per_s, size=_CALLS)
        with ThreadPoolExecutor(workers) as pool:
            serving = [pool.submit(self._serve) for _ in range(workers)]
            arrivals = time.perf_counter() + _HEAD_START_S + np.cumsum(gaps_s)
            try:
                arrived = self._let_arrive(arrivals.tolist(), items)
            finally:
                for _ in serving:
                    self._waiting.put(None)
            for future in serving:
                future.result()
        return ServerTrial(
            rate_per_s=round(rate_per_s, 2),
            calls=arrived,
            over=self._late,
            passed=arrived == _CALLS and not self._lost,
        )

    @property
    def _lost(self) -> bool:
        """Whether too many were late for the percentile to keep the bound."""
        return self._late > _LATE_ALLOWED

    def _let_arrive(self, arrivals: Sequence[float], items: Iterable[Item]) -> int:
        """Hand pictures to the workers at their times; return how many arrived."""
        for number, (due, picture) in enumerate(zip(arrivals, cycle(items), strict=False)):
            time.sleep(max(0.0, due - time.perf_counter()))
            if self._lost:
                return number
            self._waiting.put((due, picture))
        return len(arrivals)

    def _serve(self) -> None:
        """Work until None comes; what is left of a lost trial is thrown away."""
        while (job := self._waiting.get()) is not None:
            if self._lost:
                continue
            due, picture = job
            self._pipeline(picture)
            latency_ms = _MS_PER_S * (time.perf_counter() - due)
            with self._lock:
                self._late += latency_ms > self._bound_ms
