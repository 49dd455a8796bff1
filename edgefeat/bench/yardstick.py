"""A fixed piece of work, timed after every call: how fast the machine is just then.

Clock, heat and neighbours on a shared host can make the same build 60 % slower an hour later. The
yardstick shows that the machine changed and not the build: a run's latencies over its yardstick can
be compared with those of another day.

The work is small matrix products, interpreted Python, and a little inflating, which branches as
decoding does. Each of the three alone follows a call too closely or not closely enough. This mix
rose and fell with the call on a shared cloud machine: in runs of 3 s the median latency varied by 7
to 10 %, its ratio to the yardstick by 1.5 to 1.7 %. The yardstick is taken as often as the calls,
because neighbours come and go within a tenth of a second. It uses neither OpenCV nor ONNX Runtime,
whose versions one wants to compare, and it leaves most of the CPU's caches alone.

Another yardstick would make old reports incomparable: it would need a new schema of the report.
"""

from __future__ import annotations

import zlib
from time import perf_counter_ns

import numpy as np

__all__ = ["yardstick_ns"]

_SIDE = 64  # so small that no linear algebra library uses threads
_PRODUCTS = 10
_ADDITIONS = 500
_LEFT = np.linspace(0.5, 1.5, _SIDE * _SIDE, dtype=np.float32).reshape(_SIDE, _SIDE)
_RIGHT = np.ascontiguousarray(_LEFT.T)
_OUT = np.empty_like(_LEFT)
_NOISE = np.random.default_rng(7).normal(128, 20, 4000).clip(0, 255).astype(np.uint8)
_DEFLATED = zlib.compress(_NOISE.tobytes())


def yardstick_ns() -> int:
    """Do the work; return how many nanoseconds it took."""
    started = perf_counter_ns()
    for _ in range(_PRODUCTS):
        np.matmul(_LEFT, _RIGHT, out=_OUT)
    total = 0
    for number in range(_ADDITIONS):
        total += number * number
    zlib.decompress(_DEFLATED)
    return perf_counter_ns() - started
