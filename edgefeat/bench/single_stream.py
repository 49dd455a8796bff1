"""MLPerf's single stream: the next picture starts when the last one is done.

Several setups take turns in short blocks, in alternating order, so that whatever the machine does
meanwhile happens to all of them; their ratio can then be believed when their milliseconds cannot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

from edgefeat.bench.pictures import Pictures
from edgefeat.bench.pipeline import Call, Pipeline
from edgefeat.bench.yardstick import yardstick_ns

__all__ = ["BLOCK", "Series", "run_single_stream"]

BLOCK = 16
_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one setup measured, call by call.

    `clock_ns` is `(n, 4)`: before decode, resize and run, and after. The other arrays are `(n,)`:
    what the yardstick took after the call, and the call's wall time and CPU time of all threads,
    harness included. Blocks of 16 consecutive calls were taken together.
    """

    clock_ns: NDArray[np.int64]
    yardstick_ns: NDArray[np.int64]
    wall_s: NDArray[np.float64]
    cpu_s: NDArray[np.float64]

    @property
    def total_ms(self) -> NDArray[np.float64]:
        """Latency of each call: `(n,)`."""
        return (self.clock_ns[:, -1] - self.clock_ns[:, 0]) / _NS_PER_MS

    @property
    def stages_ms(self) -> NDArray[np.float64]:
        """Latency of each stage: `(n, 3)`."""
        return np.diff(self.clock_ns, axis=1) / _NS_PER_MS


def run_single_stream(
    pipelines: Sequence[Pipeline],
    pictures: Pictures,
    *,
    duration_s: float,
    min_calls: int,
    on_progress: Callable[[float], None] = lambda _share: None,
) -> list[Series]:
    """Time every pipeline, one call at a time.

    Args:
        pipelines: Setups to take turns.
        pictures: Taken in turn, the same ones by every pipeline.
        duration_s: For each pipeline; goes on until `min_calls` are reached too.
        min_calls: Calls for each pipeline; whole blocks are run.
        on_progress: Told the share that is done, after each round.
    """
    calls: list[list[Call]] = [[] for _ in pipelines]
    walls: list[list[float]] = [[] for _ in pipelines]
    cpus: list[list[float]] = [[] for _ in pipelines]
    yards: list[list[int]] = [[] for _ in pipelines]
    spent = 0.0
    supply = cycle(pictures.items)
    order = list(range(len(pipelines)))
    while spent < duration_s * len(pipelines) or len(calls[0]) < min_calls:
        block = [next(supply) for _ in range(BLOCK)]
        for i in order:
            pipelines[i](block[-1])  # other work filled the caches: not this call's fault
            for picture in block:
                wall_before, cpu_before = time.perf_counter(), time.process_time()
                calls[i].append(pipelines[i](picture))
                cpus[i].append(time.process_time() - cpu_before)
                walls[i].append(time.perf_counter() - wall_before)
                yards[i].append(yardstick_ns())
            spent += sum(walls[i][-BLOCK:])
        order.reverse()
        by_time = spent / (duration_s * len(pipelines)) if duration_s else 1.0
        on_progress(min(1.0, by_time, len(calls[0]) / max(min_calls, 1)))
    return [
        Series(
            clock_ns=np.array(calls[i], np.int64),
            yardstick_ns=np.array(yards[i], np.int64),
            wall_s=np.array(walls[i]),
            cpu_s=np.array(cpus[i]),
        )
        for i in range(len(pipelines))
    ]
