"""One call at a time: the next picture starts when the last one is done.

Several setups take turns in short blocks, in alternating order. Whatever the machine does meanwhile
then happens to all of them, and their ratio holds even where their milliseconds do not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.bench.pipeline import Call, Item, Pipeline
from edgefeat.bench.series import BLOCK, Series
from edgefeat.bench.yardstick import yardstick_ns

if TYPE_CHECKING:
    from edgefeat.bench.pictures import Pictures
    from edgefeat.bench.rows import RowItems

__all__ = ["run_single_stream"]


def run_single_stream(
    pipelines: Sequence[Pipeline],
    pictures: Pictures | RowItems,
    *,
    duration_s: float,
    min_calls: int,
    on_share: Callable[[float], None] = lambda _share: None,
) -> list[Series]:
    """Time every pipeline, one call at a time, in whole blocks.

    Args:
        pipelines: Setups that take turns.
        pictures: Pictures or rows to use one after the other, the same ones for every pipeline.
        duration_s: How long each pipeline runs; longer until `min_calls` are reached.
        min_calls: Fewest calls of each pipeline.
        on_share: Called after each round with the share that is done.
    """
    takes = [_Take(pipeline) for pipeline in pipelines]
    order = list(takes)
    supply = cycle(pictures.items)
    needed_s = duration_s * len(takes)
    spent_s = 0.0
    while spent_s < needed_s or takes[0].calls < min_calls:
        block = [next(supply) for _ in range(BLOCK)]
        spent_s += sum(take.run(block) for take in order)
        order.reverse()
        share_of_time = spent_s / needed_s if needed_s else 1.0
        on_share(min(1.0, share_of_time, takes[0].calls / max(min_calls, 1)))
    return [take.series() for take in takes]


class _Take:
    """A pipeline, and the readings of its calls so far."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._clock_ns: list[Call] = []
        self._yardstick_ns: list[int] = []
        self._wall_s: list[float] = []
        self._cpu_s: list[float] = []

    @property
    def calls(self) -> int:
        """How many calls were timed."""
        return len(self._clock_ns)

    def run(self, block: Sequence[Item]) -> float:
        """Time the pictures of a block; return the seconds that they took."""
        self._pipeline(block[-1])  # not timed: other work filled the CPU's caches before it
        for picture in block:
            wall_before_s, cpu_before_s = time.perf_counter(), time.process_time()
            self._clock_ns.append(self._pipeline(picture))
            self._cpu_s.append(time.process_time() - cpu_before_s)
            self._wall_s.append(time.perf_counter() - wall_before_s)
            self._yardstick_ns.append(yardstick_ns())
        return sum(self._wall_s[-len(block) :])

    def series(self) -> Series:
        """Return all readings."""
        return Series(
            clock_ns=np.array(self._clock_ns, np.int64),
            yardstick_ns=np.array(self._yardstick_ns, np.int64),
            wall_s=np.array(self._wall_s),
            cpu_s=np.array(self._cpu_s),
        )
