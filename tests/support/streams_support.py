"""What the tests of streams share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.sources import Source
from edgefeat.streaming import Event, EventKind, Limits, Stream
from edgefeat.testing.faults import frame_number

QUICK = Limits(timeout_s=0.4, stall_s=0.15, backoff_s=0.02, backoff_max_s=0.05)


class NumberReader:
    """An extractor whose one feature is the number a picture shows."""

    fingerprint = "number"
    outputs: dict[str, tuple[int, ...]] = {"number": (1,)}  # noqa: RUF012

    def prepare(self, image: ImageInput) -> NDArray[np.uint8]:
        return load_bgr(image)

    def extract_prepared(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.array([[frame_number(image)] for image in images], np.float32)


class Watched:
    """A stream of numbers with what it said."""

    def __init__(self, source: Source, limits: Limits = QUICK, **options: Any) -> None:
        self.events: list[Event] = []
        self.stream = Stream(
            source, NumberReader(), limits=limits, on_event=self.events.append, **options
        )

    def numbers(self) -> list[int]:
        return [int(result.features[0]) for result in self.stream]

    def kinds(self) -> list[EventKind]:
        return [event.kind for event in self.events]
