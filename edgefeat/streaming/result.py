"""What goes into a stream's loop and what comes out of it: an extractor, and records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgefeat.pictures.decode import ImageInput

__all__ = ["Extractor", "StreamResult"]

Features = NDArray[np.float32]
Pixels = NDArray[np.uint8]


class Extractor(Protocol):
    """What a stream needs of an extractor; `FeatureExtractor` is one."""

    @property
    def fingerprint(self) -> str:
        """What the vectors may be compared with."""

    def prepare(self, image: ImageInput) -> Pixels:
        """Return a picture as the graph takes it."""

    def extract_prepared(self, images: Pixels) -> Features:
        """Return features of prepared pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """One frame's features, with where they come from.

    Attributes:
        features: float32 `(D,)`, or `(H, W, C)` for a map.
        index: The frame's number in the source, from 0; left-out frames leave gaps.
        captured_at: `time.monotonic()` right after the grab.
        wall_time: Unix time of the same moment.
        media_s: The source's own clock in seconds; None if it states no time that can be trusted.
        age_ms: Time from capture to this record, in ms.
        dropped: Frames that made room for newer ones, so far.
        source: What the source is called; never with a password.
        name: What the frame is called, such as a file's path.
        fingerprint: The model's; vectors of two fingerprints must not be compared.
    """

    features: Features
    index: int
    captured_at: float
    wall_time: float
    media_s: float | None
    age_ms: float
    dropped: int
    source: str
    name: str | None
    fingerprint: str
