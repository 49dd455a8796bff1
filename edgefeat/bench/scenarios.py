"""The loads beside single stream: several streams, a server's arrivals, a batch, a camera.

After MLPerf's scenarios, with durations for a workbench instead of a submission.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice

import numpy as np

from edgefeat.bench.pipeline import Picture, Pipeline
from edgefeat.bench.results import Camera, MultiStream, Offline, Server, ServerTrial
from edgefeat.bench.summary import latency
from edgefeat.percentiles import min_samples, over_allowed
from edgefeat.pictures.decode import load_bgr

__all__ = ["camera", "multi_stream", "offline", "server"]

Progress = Callable[[float], None]
_SEED = 20261121
_SERVER_QUANTILE = 0.99  # MLPerf's
_SERVER_TRIALS = 7  # each halves the range: the rate is known to 1 %
_HOPELESS = 4  # not even a sixteenth of what the workers can do: no rate will keep the bound
_CAMERA_PICTURES = 8  # decoded ones are large
_ENOUGH_QUERIES = min_samples(0.9)


def multi_stream(
    pipeline: Pipeline,
    items: Sequence[Picture],
    streams: int,
    workers: int,
    duration_s: float,
    on_progress: Progress,
) -> MultiStream:
    """Time queries of `streams` pictures, one query after the other."""
    supply = cycle(items)
    latencies: list[float] = []
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        elapsed = 0.0
        while elapsed < duration_s or len(latencies) < _ENOUGH_QUERIES:
            query = list(islice(supply, streams))
            before = time.perf_counter()
            list(pool.map(pipeline, query))
            latencies.append(1e3 * (time.perf_counter() - before))
            elapsed = time.perf_counter() - started
            on_progress(min(1.0, elapsed / duration_s, len(latencies) / _ENOUGH_QUERIES))
    return MultiStream(streams=streams, workers=workers, query=latency(np.array(latencies)))


def offline(
    pipeline: Pipeline,
    items: Sequence[Picture],
    workers: int,
    duration_s: float,
    on_progress: Progress,
) -> Offline:
    """Count how many pictures all workers together finish in a second."""
    supply = cycle(items)
    lock = threading.Lock()
    started = time.perf_counter()
    done = 0

    def work() -> None:
        nonlocal done
        while time.perf_counter() - started < duration_s:
            with lock:
                picture = next(supply)
            pipeline(picture)
            with lock:
                done += 1
                share = (time.perf_counter() - started) / duration_s
                on_progress(min(1.0, share))

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(work) for _ in range(workers)]:
            future.result()
    elapsed = time.perf_counter() - started
    return Offline(workers=workers, calls=done, calls_per_s=round(done / elapsed, 2))


def camera(
    pipeline: Pipeline,
    items: Sequence[Picture],
    fps: float,
    duration_s: float,
    on_progress: Progress,
) -> Camera:
    """Take the newest of the frames a camera would have made; measure its age when done.

    A frame that a newer one overtakes is dropped and counted, as `edgefeat stream` does it.
    Frames come decoded, as from a camera.
    """
    frames = max(math.ceil(duration_s * fps), 1)
    supply = cycle([load_bgr(item) for item in islice(items, _CAMERA_PICTURES)])
    ages: list[float] = []
    started = time.perf_counter()
    taken = -1
    while taken < frames - 1:
        newest = min(int((time.perf_counter() - started) * fps), frames - 1)
        if newest == taken:
            newest += 1
            time.sleep(max(0.0, started + newest / fps - time.perf_counter()))
        taken = newest
        pipeline(next(supply))
        ages.append(1e3 * (time.perf_counter() - started - taken / fps))
        on_progress((taken + 1) / frames)
    return Camera(
        fps=fps,
        frames=frames,
        emitted=len(ages),
        dropped=frames - len(ages),
        age=latency(np.array(ages)),
    )


def server(
    pipeline: Pipeline,
    items: Sequence[Picture],
    bound_ms: float,
    workers: int,
    on_progress: Progress,
) -> Server:
    """Search the highest rate of Poisson arrivals whose p99 keeps the bound."""
    service = [pipeline(picture) for picture in islice(cycle(items), 16)]
    typical_s = float(np.median([(call[-1] - call[0]) / 1e9 for call in service]))
    low, high = 0.0, workers / typical_s
    trials: list[ServerTrial] = []
    for number in range(_SERVER_TRIALS):
        rate = (low + high) / 2
        trial = _trial(pipeline, items, rate, bound_ms, workers)
        trials.append(trial)
        low, high = (rate, high) if trial.passed else (low, rate)
        on_progress((number + 1) / _SERVER_TRIALS)
        if not low and len(trials) == _HOPELESS:
            break
    return Server(
        bound_ms=bound_ms,
        quantile=_SERVER_QUANTILE,
        workers=workers,
        rate_per_s=round(low, 2) or None,
        trials=tuple(trials),
    )


def _trial(
    pipeline: Pipeline, items: Sequence[Picture], rate: float, bound_ms: float, workers: int
) -> ServerTrial:
    """Let as many pictures arrive as the percentile needs; stop once too many are late."""
    count = min_samples(_SERVER_QUANTILE)
    allowed = over_allowed(count, _SERVER_QUANTILE)
    gaps = np.random.default_rng(_SEED).exponential(1 / rate, size=count)
    arrivals = time.perf_counter() + 0.01 + np.cumsum(gaps)
    waiting: queue.SimpleQueue[tuple[float, Picture] | None] = queue.SimpleQueue()
    over = 0
    lock = threading.Lock()

    def serve() -> None:
        nonlocal over
        while (job := waiting.get()) is not None:
            due, picture = job
            if over > allowed:
                continue
            pipeline(picture)
            late = 1e3 * (time.perf_counter() - due) > bound_ms
            with lock:
                over += late

    with ThreadPoolExecutor(workers) as pool:
        servers = [pool.submit(serve) for _ in range(workers)]
        issued = 0
        try:
            for due, picture in zip(arrivals.tolist(), cycle(items), strict=False):
                time.sleep(max(0.0, due - time.perf_counter()))
                if over > allowed:
                    break
                waiting.put((due, picture))
                issued += 1
        finally:
            for _ in servers:
                waiting.put(None)
        for server_thread in servers:
            server_thread.result()
    passed = issued == count and over <= allowed
    return ServerTrial(rate_per_s=round(rate, 2), calls=issued, over=over, passed=passed)
