"""How long two forms of one model take here, in turns, so that both see the same load."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

__all__ = ["Latency", "latency_of"]

_WARM_UP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Median milliseconds of each, one thread, batch 1, and the median of the ratios."""

    before_ms: float
    after_ms: float
    ratio: float
    runs: int


def latency_of(
    before: onnx.ModelProto, after: onnx.ModelProto, picture: NDArray[np.uint8], *, runs: int = 30
) -> Latency:
    """Time two models in turns on one picture, uint8 `(height, width, channels)`."""
    name = before.graph.input[0].name
    feed = {name: picture[np.newaxis]}
    sessions = [_session(model) for model in (before, after)]
    times = np.empty((runs + _WARM_UP, 2))
    for row in times:
        for column, session in enumerate(sessions):
            started = time.perf_counter()
            session.run(None, feed)
            row[column] = (time.perf_counter() - started) * 1e3
    first, second = np.median(times[_WARM_UP:], axis=0)
    return Latency(
        before_ms=float(first), after_ms=float(second), ratio=float(second / first), runs=runs
    )


def _session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
