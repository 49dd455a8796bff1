"""A fixed piece of work, timed after every call: how fast the machine is just then.

Clock, heat and neighbours on a shared host make the same build 60 % slower an hour later. The
yardstick tells that the machine changed, not the build: a run's latencies over its yardstick can
be held against those of another day.

It is small matrix products, interpreted Python and a little inflating, which branches as decoding
does. Each alone follows a call too closely or not closely enough; this mix rose and fell with it on
a shared cloud machine (runs of 3 s: the median latency varied by 7 to 10 %, its ratio to the
yardstick by 1.5 to 1.7 %). It has to be taken as often as the calls: neighbours come and go within
a tenth of a second. It uses neither OpenCV nor ONNX Runtime, whose versions are what one wants to
compare, and leaves most of the caches alone. Another yardstick makes old reports incomparable: it
needs a new schema.
"""

from __future__ import annotations

import zlib
from time import perf_counter_ns

import numpy as np

__all__ = ["yardstick_ns"]

_SIDE = 64  # small enough that no BLAS uses threads
_LEFT = np.linspace(0.5, 1.5, _SIDE * _SIDE, dtype=np.float32).reshape(_SIDE, _SIDE)
_RIGHT = np.ascontiguousarray(_LEFT.T)
_OUT = np.empty_like(_LEFT)
_NOISE = np.random.default_rng(7).normal(128, 20, 4000).clip(0, 255).astype(np.uint8)
_DEFLATED = zlib.compress(_NOISE.tobytes())


def yardstick_ns() -> int:
    """Do the work; return how long it took."""
    started = perf_counter_ns()
    for _ in range(10):
        np.matmul(_LEFT, _RIGHT, out=_OUT)
    total = 0
    for number in range(500):
        total += number * number
    zlib.decompress(_DEFLATED)
    return perf_counter_ns() - started
