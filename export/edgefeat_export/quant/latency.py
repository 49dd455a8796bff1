"""How long two forms of one model take here, in turns, so that both see the same load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx
from numpy.typing import NDArray

from edgefeat_export.proof import timing
from edgefeat_export.quant.executor import open_session

__all__ = ["LatencyRatio", "latency_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRatio:
    """How long one picture takes through two models: one thread, batch 1.

    Attributes:
        before_ms: Median of the first model, in milliseconds.
        after_ms: Median of the second model, in milliseconds.
        runs: How many runs of each were timed.
    """

    before_ms: float
    after_ms: float
    runs: int

    @property
    def ratio(self) -> float:
        """The second model's median over the first one's."""
        return self.after_ms / self.before_ms


def latency_of(
    before: onnx.ModelProto, after: onnx.ModelProto, picture: NDArray[np.uint8], *, runs: int = 30
) -> LatencyRatio:
    """Time two models in turns on one picture.

    Args:
        before: The model that the other one is compared with.
        after: The other model; its input has the same name.
        picture: uint8 `(height, width, channels)`.
        runs: How often to run each, after some that warm up.
    """
    feed = {before.graph.input[0].name: picture[np.newaxis]}
    calls: list[Callable[[], object]] = [
        partial(open_session(model, threads=1).run, None, feed) for model in (before, after)
    ]
    first, second = timing.in_turns(calls, runs=runs)
    return LatencyRatio(before_ms=first.median_ms, after_ms=second.median_ms, runs=first.runs)
