"""What the loop does with a frame: cut it, look for motion, make and compare its features."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from inspect import signature
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.errors import DamagedPictureWarning, EdgefeatError, ImageError, OptionError
from edgefeat.options.stream import Selection
from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import FrameError
from edgefeat.streaming.capture.buffer import Captured
from edgefeat.streaming.events import Event, EventKind
from edgefeat.streaming.gates.gates import Region
from edgefeat.streaming.gates.mask import Mask
from edgefeat.streaming.gates.scene import SceneWatch
from edgefeat.streaming.meter import Meter
from edgefeat.streaming.names import Names
from edgefeat.streaming.result import Extractor, StreamResult

if TYPE_CHECKING:
    from edgefeat.arrays import Features, Pixels

__all__ = ["Inference"]


class Inference:
    """Turns a stream's frames into records.

    Args:
        source: What the source is called.
        extractor: What makes features.
        selection: Which frames and features are wanted.
        watch: The gates.
        meter: Counts.
        tell: Called with each event.
        names: What device, camera and session are called.
        by_arrival: Says whether the time of a frame is that of its arrival.

    Attributes:
        watch: The gates.
        model: The model's name; None if the extractor states none.
        fingerprint: The model's.

    Raises:
        OptionError: A change of the label is asked of an extractor that gives none.
    """

    def __init__(
        self,
        source: str,
        extractor: Extractor,
        selection: Selection,
        watch: SceneWatch,
        meter: Meter,
        tell: Callable[[Event], None],
        *,
        names: Names,
        by_arrival: Callable[[], bool],
    ) -> None:
        self._source, self._extractor, self._names = source, extractor, names
        self._meter, self._tell, self._by_arrival = meter, tell, by_arrival
        self.fingerprint = extractor.fingerprint
        self.model: str | None = getattr(getattr(extractor, "spec", None), "name", None)
        # An extractor of the user's own need not name its outputs.
        self._shapes: Mapping[str, tuple[int, ...]] = getattr(extractor, "outputs", {})
        self._gap_s: float | None = None  # before the next record
        self._region = Region(selection.roi) if selection.roi else None
        self.watch = watch
        self._mask = (
            Mask(selection.mask, self._region, extractor.prepare) if selection.mask else None
        )
        self._in_garbage = self._in_damage = False
        if selection.label_change and not getattr(extractor, "gives_labels", False):
            raise OptionError(
                "needs a model whose head gives labels", option="label_change",
                remedy="Stream with `edgefeat.streaming.Answering`.",
            )  # fmt: skip
        self._answer = getattr(extractor, "answer_prepared", None)  # there with a head
        # An extractor of the user's own need not listen to decoders.
        self._listens = "on_damaged" in signature(extractor.prepare).parameters

    def record(self, frame: Captured, *, dropped: int) -> StreamResult | None:
        """Return a frame's record; None if the frame is damaged or not wanted.

        Args:
            frame: The frame.
            dropped: Frames of the stream that made room for newer ones, so far.

        Raises:
            ImageError: The frame is an array that is no picture.
            SourceError: The part to cut reaches out of the picture.
        """
        if frame.gap_s is not None:  # it stays until a record can tell it
            self._gap_s = max(frame.gap_s, self._gap_s or 0.0)
        try:
            image = frame.picture()
            pixels = self._prepared(frame, image)
        except (FrameError, ImageError) as error:
            if isinstance(frame.image, np.ndarray):  # not damaged on the way: made wrong
                raise
            self._garbage(frame, error)
            return None
        self._in_garbage = False
        counts = self._mask.weights(image) if self._mask else None
        if not self.watch.wants_features(pixels, self._moment_s(frame), counts):
            return None
        answer = None if self._answer is None else self._answer(pixels)
        features: Features = (
            self._extractor.extract_prepared(pixels[np.newaxis])[0]
            if answer is None
            else answer.features
        )
        age_ms = (time.monotonic() - frame.grab.captured_at) * 1000
        self._meter.inferred(age_ms)
        if not self.watch.wants_record(features, None if answer is None else answer.label):
            return None
        return StreamResult(
            features=features,
            index=frame.index,
            captured_at=frame.grab.captured_at,
            wall_time=frame.grab.wall_time,
            media_s=frame.grab.media_s,
            age_ms=age_ms,
            dropped=dropped,
            source=self._source,
            name=frame.grab.name,
            fingerprint=self.fingerprint,
            outputs=self._parts(features),
            device=self._names.device,
            camera=self._names.camera or self._source,
            session=self._names.session,
            monotonic_s=frame.grab.captured_at,
            gap_s=self._taken_gap(),
            motion=self.watch.motion,
            novelty=self.watch.novelty,
            change=self.watch.change,
            label=None if answer is None else answer.label,
            probabilities=None if answer is None else answer.probabilities,
            value=None if answer is None else answer.value,
        )

    def _prepared(self, frame: Captured, image: ImageInput) -> Pixels:
        """Return a frame as the graph takes it; a run of damaged frames is told once."""
        heard: list[DamagedPictureWarning] = []
        if self._region:
            image = self._region.cut(image, on_damaged=heard.append)
        prepare: Callable[..., Pixels] = self._extractor.prepare
        pixels = prepare(image, on_damaged=heard.append) if self._listens else prepare(image)
        if heard and not self._in_damage:
            what = f"frame {frame.index} is {heard[0].problem}"
            self._tell(Event(kind=EventKind.NOTICE, source=self._source, what=what))
        self._in_damage = bool(heard)
        return pixels

    def _moment_s(self, frame: Captured) -> float:
        """Return a frame's time in seconds; frames without times count as one a second."""
        if self._by_arrival():
            return frame.grab.captured_at
        media_s = frame.grab.media_s
        return float(frame.index) if media_s is None else media_s

    def _taken_gap(self) -> float | None:
        gap_s, self._gap_s = self._gap_s, None
        return gap_s

    def _parts(self, features: Features) -> dict[str, Features]:
        """Return the part of the features that each of the model's outputs gave."""
        flat, start = features.reshape(-1), 0
        parts: dict[str, Features] = {}
        for name, shape in self._shapes.items():
            end = start + prod(shape)
            parts[name] = flat[start:end].reshape(shape)
            start = end
        return parts

    def _garbage(self, frame: Captured, error: EdgefeatError) -> None:
        self._meter.undecodable += 1
        # A run of damaged frames is told once, unless they have names.
        if frame.grab.name or not self._in_garbage:
            self._tell(Event(kind=EventKind.GARBAGE, source=self._source, error=error))
        self._in_garbage = True
