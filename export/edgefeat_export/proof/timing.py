"""How long models take on this machine, in turns, so that all of them see the same load."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort

from edgefeat import FeatureExtractor
from edgefeat.host.machine import processor
from edgefeat.model.probe import probe_image
from edgefeat.model.spec import PRIMARY_OUTPUT

__all__ = ["Latency", "conditions", "in_turns", "of_files"]

_WARM_UP_RUNS: Final = 5
_FILE_RUNS: Final = 40
_AT_MOST_S: Final = 4.0  # a file, so that a large network does not take minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long one picture takes through a graph; decoding and resizing are not included.

    Attributes:
        median_ms: Median over the runs, in milliseconds.
        fastest_ms: The fastest run, in milliseconds.
        runs: How many runs were timed, after some that warmed up.
    """

    median_ms: float
    fastest_ms: float
    runs: int


def in_turns(
    calls: Sequence[Callable[[], object]], *, runs: int, at_most_s: float = float("inf")
) -> list[Latency]:
    """Time calls that take turns.

    Args:
        calls: What to time.
        runs: How often to call each, after the warm-up.
        at_most_s: Seconds of runs, for each call, after which no further turn begins.
    """
    times_ms: list[list[float]] = [[] for _ in calls]
    spent_s = 0.0
    for turn in range(_WARM_UP_RUNS + runs):
        if spent_s >= at_most_s * len(calls):
            break
        for call, found in zip(calls, times_ms, strict=True):
            started = time.perf_counter()
            call()
            took_s = time.perf_counter() - started
            if turn >= _WARM_UP_RUNS:
                found.append(took_s * 1e3)
                spent_s += took_s
    return [
        Latency(median_ms=float(np.median(found)), fastest_ms=min(found), runs=len(found))
        for found in times_ms
    ]


def of_files(paths: Sequence[Path]) -> list[Latency]:
    """Time model files through the installed runtime: one picture at a time, one thread."""
    with ExitStack() as stack:
        calls = []
        for path in paths:
            extractor = stack.enter_context(FeatureExtractor(path, outputs=PRIMARY_OUTPUT))
            spec = extractor.spec.input
            image = probe_image(1, spec.size_hw, spec.channels)[np.newaxis]
            calls.append(partial(extractor.extract_prepared, image))
        return in_turns(calls, runs=_FILE_RUNS, at_most_s=_AT_MOST_S)


def conditions() -> str:
    """Return what the figures of `of_files` were measured on."""
    return f"{processor().model}, 1 thread, ONNX Runtime {ort.__version__}, one picture at a time"
