"""A fixed piece of work, timed after every call: how fast the machine is just then.

Clock, heat and neighbours on a shared host make the same build 60 % slower an hour later. The
yardstick tells that the machine changed, not the build: a run's latencies over its yardstick can
be held against those of another day.

It is small matrix products and interpreted Python, whose time proved to rise and fall with a call's
(on a shared cloud machine, over windows of 1.5 s: the median latency varied by 9 %, its ratio to
the yardstick by 1.5 %; copies, sorting or inflating followed less closely). It has to be taken as
often as the calls: neighbours come and go within a tenth of a second. It uses neither OpenCV nor
ONNX Runtime, whose versions are what one wants to compare, and leaves most of the caches alone.
Another yardstick makes old reports incomparable: it needs a new schema.
"""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np

__all__ = ["yardstick_ns"]

_SIDE = 64  # small enough that no BLAS uses threads
_LEFT = np.linspace(0.5, 1.5, _SIDE * _SIDE, dtype=np.float32).reshape(_SIDE, _SIDE)
_RIGHT = np.ascontiguousarray(_LEFT.T)
_OUT = np.empty_like(_LEFT)


def yardstick_ns() -> int:
    """Do the work; return how long it took."""
    _products(5)  # not timed: how cold the call left caches and vector units is the build's doing
    started = perf_counter_ns()
    _products(10)
    total = 0
    for number in range(700):
        total += number * number
    return perf_counter_ns() - started


def _products(count: int) -> None:
    for _ in range(count):
        np.matmul(_LEFT, _RIGHT, out=_OUT)
