"""What is to be measured: setups, pictures, scenarios, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edgefeat.bench.pictures import Pictures
from edgefeat.bench.pipeline import ExtractorPipeline, Pipeline
from edgefeat.extractor import FeatureExtractor

__all__ = ["Plan", "Scenario", "Setup"]

_POSITIVE = ("duration_s", "min_calls", "processes", "workers", "streams", "fps", "bound_ms")


class Scenario(StrEnum):
    """What kind of load is put on."""

    SINGLE_STREAM = "single-stream"
    MULTI_STREAM = "multi-stream"
    SERVER = "server"
    OFFLINE = "offline"
    CAMERA = "camera"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One thing to measure. `pipeline` makes what is timed from the open model."""

    model: Path
    threads: int = 1
    providers: tuple[str, ...] = ("cpu",)
    strict: bool = True
    pipeline: Callable[[FeatureExtractor], Pipeline] = ExtractorPipeline

    def open(self) -> FeatureExtractor:
        """Load the model.

        Raises:
            EdgefeatError: The model or a provider does not work.
        """
        return FeatureExtractor(
            self.model, providers=self.providers, strict=self.strict, threads=self.threads
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure, and for how long.

    `processes` fresh ones, one after the other, share a single stream's time and calls; with one,
    it is measured in this process. Several need a `Setup.pipeline` that can be pickled, and a main
    module that can be imported (`if __name__ == "__main__"`).
    """

    setups: tuple[Setup, ...]
    pictures: Pictures
    scenarios: tuple[Scenario, ...] = (Scenario.SINGLE_STREAM,)
    duration_s: float = 5.0
    min_calls: int = 160
    processes: int = 1
    cold_starts: int = 5
    workers: int = 1
    streams: int = 8
    fps: float = 30.0
    bound_ms: float = 50.0

    def __post_init__(self) -> None:
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}: expected more than 0, got {getattr(self, name)}")
