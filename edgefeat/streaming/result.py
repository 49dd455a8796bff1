"""What goes into a stream's loop and what comes out of it: an extractor, and records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edgefeat.arrays import Features, Pixels
from edgefeat.pictures.decode import ImageInput
from edgefeat.sets.record import FeatureRecord

__all__ = ["Extractor", "StreamResult"]


class Extractor(Protocol):
    """What a stream needs of an extractor; `FeatureExtractor` is one.

    If it has `outputs`, the shape of each output of the model by name, records give each by name.
    """

    @property
    def fingerprint(self) -> str:
        """What the vectors may be compared with."""

    def prepare(self, image: ImageInput) -> Pixels:
        """Return a picture as the graph takes it: uint8 `(height, width, channels)`."""

    def extract_prepared(self, images: Pixels) -> Features:
        """Return float32 `(N, D)` for uint8 pictures `(N, height, width, channels)`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StreamResult(FeatureRecord):
    """One frame's features, with where and when they come from; see `FeatureRecord`.

    Attributes:
        captured_at: `time.monotonic()` right after the grab; it is not written to sets.
        source: What the source is called; never with a password. Here and in the next three it is
            certain that there is a value.
        wall_time: Unix time in seconds of the same moment.
        age_ms: Time from capture to this record, in ms.
        dropped: Frames that made room for newer ones, so far.
    """

    captured_at: float
    source: str
    wall_time: float
    age_ms: float
    dropped: int
