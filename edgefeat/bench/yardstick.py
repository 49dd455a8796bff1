"""A fixed piece of work, timed beside every block of calls: how fast the machine is just then.

Clock, heat and neighbours on a shared host make the same build 60 % slower an hour later. The
yardstick tells that the machine changed, not the build. It is vector arithmetic in the first cache,
a copy in the second, and interpreted Python, like a call itself; it uses neither OpenCV nor ONNX
Runtime, whose versions are what one wants to compare. It does not slow down exactly as a call does
(shared cores hit it harder), so it bounds what a comparison may claim and corrects nothing.
"""

from __future__ import annotations

from time import perf_counter_ns

import numpy as np

__all__ = ["yardstick_ns"]

_ROUNDS = 3
_VECTOR = np.linspace(0.5, 1.5, 4096, dtype=np.float32)
_OUT = np.empty_like(_VECTOR)
_SOURCE = np.ones(65536, np.float32)  # 256 kB
_TARGET = np.empty_like(_SOURCE)


def yardstick_ns() -> int:
    """Do the work; return the fastest of three rounds, so that an interruption does not count."""
    return min(_round_ns() for _ in range(_ROUNDS))


def _round_ns() -> int:
    started = perf_counter_ns()
    for _ in range(16):
        np.multiply(_VECTOR, _VECTOR, out=_OUT)
        np.add(_OUT, _VECTOR, out=_OUT)
    for _ in range(2):
        np.copyto(_TARGET, _SOURCE)
    total = 0
    for number in range(1500):
        total += number * number
    return perf_counter_ns() - started
