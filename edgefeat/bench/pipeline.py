"""One picture through one model, with a clock reading between the stages."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from edgefeat.extractor import FeatureExtractor

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["STAGES", "Call", "ExtractorPipeline", "Picture", "Pipeline"]

STAGES = ("decode", "resize", "run")
Call = tuple[int, int, int, int]
Picture: TypeAlias = "bytes | Pixels"


class Pipeline(Protocol):
    """What the scenarios time."""

    def __call__(self, picture: Picture) -> Call:
        """Run one picture; return the clock, in ns, before decode, resize, run, and after it."""


class ExtractorPipeline:
    """A `FeatureExtractor`'s own three stages, as `extract` takes them."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor

    def __call__(self, picture: Picture) -> Call:
        """Run one picture and keep nothing but the clock."""
        started = perf_counter_ns()
        frame = self.extractor.decode(picture)
        decoded = perf_counter_ns()
        pixels = self.extractor.resize(frame)
        del frame  # as `extract` gives it back, before the model runs
        resized = perf_counter_ns()
        self.extractor.extract_prepared(pixels[np.newaxis])
        return started, decoded, resized, perf_counter_ns()
