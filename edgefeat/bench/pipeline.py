"""One picture or row through one model, with a clock reading between the stages."""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edgefeat.extractor import FeatureExtractor

__all__ = [
    "FRAME_STAGES",
    "STAGES",
    "Call",
    "ExtractorPipeline",
    "Item",
    "Picture",
    "Pipeline",
    "RowPipeline",
]

STAGES = ("decode", "resize", "run")
"""What is timed of a picture between the clock readings, in order. A row has no stages."""

FRAME_STAGES = ("grab", *STAGES)
"""The stages of a frame that comes from a source."""

Call: TypeAlias = tuple[int, ...]
"""Readings of the clock in ns: before decode, before resize, before run, and after run; of a row
before and after it."""

Picture: TypeAlias = bytes | NDArray[np.uint8]
"""An encoded picture, or a frame, uint8 BGR `(height, width, 3)`."""

Item: TypeAlias = Picture | Mapping[str, Any]
"""A picture, or a row."""


class Pipeline(Protocol):
    """What the loads time."""

    def __call__(self, item: Any, /) -> Call:
        """Run one picture or row; return the readings of the clock."""


class ExtractorPipeline:
    """The stages of a `FeatureExtractor`, as its `extract` runs them.

    Args:
        extractor: The extractor that is timed.
    """

    def __init__(self, extractor: FeatureExtractor) -> None:
        self._extractor = extractor

    def __call__(self, picture: Picture) -> Call:
        """Run one picture and keep nothing but the clock."""
        started = perf_counter_ns()
        frame = self._extractor.decode(picture)
        decoded = perf_counter_ns()
        pixels = self._extractor.resize(frame)
        del frame  # `extract` gives the frame's memory back before the model runs
        resized = perf_counter_ns()
        self._extractor.extract_prepared(pixels[np.newaxis])
        return started, decoded, resized, perf_counter_ns()


class RowPipeline:
    """A row through a `FeatureExtractor`: checked, hashed where the model asks for it, and run.

    Args:
        extractor: The extractor that is timed.
    """

    def __init__(self, extractor: FeatureExtractor) -> None:
        self._extractor = extractor

    def __call__(self, row: Mapping[str, Any]) -> Call:
        """Run one row and keep nothing but the clock."""
        started = perf_counter_ns()
        self._extractor.extract(row)
        return started, perf_counter_ns()
