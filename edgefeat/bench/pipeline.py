"""One picture through one model, with a clock reading between the stages."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from edgefeat.extractor import FeatureExtractor
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.preprocess import Preprocessor

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
    """A `FeatureExtractor`'s own steps: the same functions that `extract` calls, in its order."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self.extractor = extractor
        self._resize = Preprocessor.from_spec(extractor.spec.input)

    def __call__(self, picture: Picture) -> Call:
        """Run one picture and keep nothing but the clock."""
        started = perf_counter_ns()
        frame = load_bgr(picture, keep_side=self._resize.keep_side)
        decoded = perf_counter_ns()
        pixels = self._resize(frame)
        del frame  # as `extract` gives it back, before the model runs
        resized = perf_counter_ns()
        self.extractor.extract_prepared(pixels[np.newaxis])
        return started, decoded, resized, perf_counter_ns()
