"""The raw numbers of a single stream: what one setup measured in one process, call by call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "Series"]

BLOCK = 16
"""So many consecutive calls make a block; setups that are compared take turns by blocks."""

_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one setup measured in one process, in whole blocks of calls.

    Attributes:
        clock_ns: Readings of the clock, int64 `(calls, 4)`: before decode, before resize, before
            run, and after run; or `(calls, 2)`: before and after a row.
        yardstick_ns: How long the yardstick took after each call, int64 `(calls,)`.
        wall_s: Wall time of each call with the benchmark's own work, float64 `(calls,)`.
        cpu_s: CPU time of each call with the benchmark's own work, all threads, `(calls,)`.
    """

    clock_ns: NDArray[np.int64]
    yardstick_ns: NDArray[np.int64]
    wall_s: NDArray[np.float64]
    cpu_s: NDArray[np.float64]

    @property
    def total_ms(self) -> NDArray[np.float64]:
        """Latency of each call: `(calls,)`."""
        return (self.clock_ns[:, -1] - self.clock_ns[:, 0]) / _NS_PER_MS

    @property
    def stages_ms(self) -> NDArray[np.float64]:
        """Latency of each stage of each call: `(calls, 3)`; `(calls, 0)` of rows."""
        stages = np.diff(self.clock_ns, axis=1) / _NS_PER_MS
        return stages if stages.shape[1] > 1 else stages[:, :0]
