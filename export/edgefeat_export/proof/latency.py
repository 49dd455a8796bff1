"""How long a file takes on this machine, with what that depends on."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort

from edgefeat import FeatureExtractor
from edgefeat.model.probe import probe_image

__all__ = ["Latency", "conditions", "time_file"]

_WARM_UP, _RUNS = 5, 40
_AT_MOST_S: Final = 4.0
_CPU_INFO: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds for one picture through the graph; decoding and resizing not included."""

    median_ms: float
    fastest_ms: float
    runs: int


def time_file(path: Path) -> Latency:
    """Time a model file, one picture at a time on one thread."""
    with FeatureExtractor(path, outputs="features") as extractor:
        spec = extractor.spec.input
        image = probe_image(1, spec.size_hw, spec.channels)[np.newaxis]
        for _ in range(_WARM_UP):
            extractor.extract_prepared(image)
        times: list[float] = []
        while len(times) < _RUNS and sum(times) < _AT_MOST_S:
            start = time.perf_counter()
            extractor.extract_prepared(image)
            times.append(time.perf_counter() - start)
    return Latency(
        median_ms=float(np.median(times)) * 1e3, fastest_ms=min(times) * 1e3, runs=len(times)
    )


def conditions() -> str:
    """Return what the figures were measured on."""
    return f"{_cpu()}, 1 thread, ONNX Runtime {ort.__version__}, one picture at a time"


def _cpu() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
