"""Feature streaming: frames of a live or recorded source in, one record per vector out."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError
from edgefeat.extractor import FeatureExtractor
from edgefeat.sources.base import Source
from edgefeat.sources.grammar import AnySource, open_source
from edgefeat.streaming.asynchronous import iterate
from edgefeat.streaming.buffer import Buffer, Captured, Policy
from edgefeat.streaming.events import Event, EventKind, OnEvent
from edgefeat.streaming.health import Health, Meter, OnHealth
from edgefeat.streaming.limits import Limits
from edgefeat.streaming.result import Extractor, StreamResult
from edgefeat.streaming.selection import MotionGate, NoveltyGate, Pacer, Region, Selection
from edgefeat.streaming.supervisor import Supervisor

__all__ = ["Stream", "stream"]

Features = NDArray[np.float32]
PolicyName = Literal["newest", "all"]
_FILE_PLACES, _LIVE_PLACES = 2, 8
_STOP_S = 0.6  # of the second in which every stop is done


class Stream:
    """Features of a source's frames, one record after the other.

    Iterate over it once, with `for` or, in asyncio, with `async for`; leaving the loop in any way
    releases the source, and so does `close`. Capture starts with the first iteration.

    Args:
        source: What to read.
        extractor: What makes features; stays the caller's.
        policy: What happens to frames the loop is too slow for; None: `newest` for live sources,
            `all` for the rest.
        selection: Which frames and features are wanted.
        limits: Times, and how often to reconnect.
        on_event: Called with each event, in another thread: keep it short.
        on_health: Called with live numbers once a second, in another thread, and at the end.
        on_close: Called once the source is released.
    """

    def __init__(
        self,
        source: Source,
        extractor: Extractor,
        *,
        policy: Policy | None = None,
        selection: Selection | None = None,
        limits: Limits | None = None,
        on_event: OnEvent | None = None,
        on_health: OnHealth | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        selection = selection or Selection()
        live = source.traits.live
        self.policy = policy or (Policy.NEWEST if live else Policy.ALL)
        self._source, self._extractor = source, extractor
        self._on_event, self._on_health, self._on_close = on_event, on_health, on_close
        self._telling = threading.Lock()
        self._fingerprint = extractor.fingerprint
        self._region = Region(selection.roi) if selection.roi else None
        self._motion = MotionGate(selection.motion) if selection.motion else None
        self._novelty = NoveltyGate(selection.novelty) if selection.novelty else None
        self._pacer = Pacer(selection.every, selection.fps, live=live)
        places = 1 if self.policy is Policy.NEWEST else _LIVE_PLACES if live else _FILE_PLACES
        self._buffer = Buffer(places, waits=self.policy is Policy.ALL and not live)
        self._meter = Meter()
        self._undecodable = 0
        self._in_garbage = False
        self._state: Literal["new", "running", "closed"] = "new"
        self._supervisor = Supervisor(
            source,
            self._buffer,
            self._pacer,
            limits or Limits(),
            self._meter,
            on_event=self._tell if on_event else None,
            report=self._report if on_health else None,
        )

    @property
    def source(self) -> str:
        """What the source is called."""
        return self._source.name

    def __iter__(self) -> Iterator[StreamResult]:
        # A generator: leaving a `for` loop early drops it, and its `finally` releases the source.
        if self._state != "new":
            raise ValueError("a stream can be iterated over once. Make a new one.")
        self._state = "running"
        try:
            self._supervisor.start()
            while (frame := self._buffer.take()) is not None:
                result = self._infer(frame)
                if result is not None:
                    self._meter.emitted += 1
                    yield result
        finally:
            self.close()

    def __aiter__(self) -> AsyncIterator[StreamResult]:
        return iterate(iter(self), stop=self.stop, close=self.close)

    def stop(self) -> None:
        """End the iteration soon; may be called from another thread or a signal handler."""
        self._buffer.end(discard=True)

    def close(self) -> None:
        """Stop and release the source, within a second; closing twice is fine."""
        if self._state == "closed":
            return
        started = self._state == "running"
        self._state = "closed"
        self.stop()
        try:
            if started:
                self._supervisor.stop(_STOP_S)
                self._report()  # by now the loop has had its last frame: these numbers are final
        finally:
            if self._on_close is not None:
                self._on_close()

    def health(self) -> Health:
        """Return live numbers."""
        meter, now = self._meter, time.monotonic()
        fps_in, fps_out = meter.rates(now)
        return Health(
            source=self.source,
            fingerprint=self._fingerprint,
            state=meter.state,
            fps_in=round(fps_in, 2),
            fps_out=round(fps_out, 2),
            captured=meter.captured,
            emitted=meter.emitted,
            dropped=self._buffer.dropped,
            skipped_rate=self._pacer.skipped,
            skipped_motion=self._motion.skipped if self._motion else 0,
            skipped_novelty=self._novelty.skipped if self._novelty else 0,
            garbage=meter.garbage + self._undecodable,
            losses=meter.losses,
            latency_p50_ms=meter.percentile_ms(50),
            latency_p95_ms=meter.percentile_ms(95),
            latency_p99_ms=meter.percentile_ms(99),
            cpu_s_per_frame=meter.cpu_s_per_frame(),
            uptime_s=round(now - meter.started_at, 3),
            updated_at=time.time(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _report(self) -> None:
        if self._on_health is not None:
            self._on_health(self.health())

    def _infer(self, frame: Captured) -> StreamResult | None:
        """Return a frame's record; None if it is damaged or a gate holds it back."""
        dropped = self._buffer.dropped
        try:
            image = self._region.cut(frame.image) if self._region else frame.image
            pixels = self._extractor.prepare(image)
        except ImageError as error:
            if isinstance(frame.image, np.ndarray):  # not damaged on the way: made wrong
                raise
            self._garbage(frame, error)
            return None
        self._in_garbage = False
        if self._motion and not self._motion.passes(pixels):
            return None
        features: Features = self._extractor.extract_prepared(pixels[np.newaxis])[0]
        age_ms = (time.monotonic() - frame.grab.captured_at) * 1000
        self._meter.inferred(age_ms)
        if self._novelty and not self._novelty.passes(features):
            return None
        return StreamResult(
            features=features,
            index=frame.index,
            captured_at=frame.grab.captured_at,
            wall_time=frame.grab.wall_time,
            media_s=frame.grab.media_s,
            age_ms=age_ms,
            dropped=dropped,
            source=self.source,
            name=frame.grab.name,
            fingerprint=self._fingerprint,
        )

    def _garbage(self, frame: Captured, error: ImageError) -> None:
        self._undecodable += 1
        if frame.grab.name or not self._in_garbage:
            self._tell(Event(kind=EventKind.GARBAGE, source=self.source, message=str(error)))
        self._in_garbage = True

    def _tell(self, event: Event) -> None:
        if self._on_event is not None:
            with self._telling:  # both the supervisor and the loop have things to tell
                self._on_event(event)


def stream(
    source: AnySource,
    extractor: Extractor | None = None,
    *,
    policy: PolicyName | None = None,
    fps: float | None = None,
    every: int = 1,
    roi: tuple[float, float, float, float] | None = None,
    motion: float | None = None,
    novelty: float | None = None,
    limits: Limits | None = None,
    on_event: OnEvent | None = None,
    on_health: OnHealth | None = None,
) -> Stream:
    """Return the features of a source's frames, to iterate over.

        for r in edgefeat.stream("rtsp://camera/stream"):
            print(r.index, r.age_ms, r.features)

    Args:
        source: Camera index or device path, video file, folder or pattern of pictures, RTSP or
            MJPEG URL, a list, iterator or function that gives pictures, or a `Source`; see
            `edgefeat.sources.open_source`.
        extractor: None opens the shipped model, for the life of the stream.
        policy: `newest` gives the latest frame and counts the others as dropped, `all` gives every
            frame in order; None: `newest` for live sources, `all` for the rest.
        fps: At most so many frames a second.
        every: One frame of so many.
        roi: Part of the picture: x, y, width, height in pixels, or shares of its sides.
        motion: Skip inference unless a 16 x 16 block changed by more than so many grey levels.
        novelty: Give only features further than this cosine distance from the last ones given.
        limits: Times, and how often to reconnect.
        on_event: Called with each event, in another thread: keep it short.
        on_health: Called with live numbers once a second, in another thread, and at the end.

    Raises:
        SourceError: While iterating: it cannot be opened, or is lost for good.
    """
    selection = Selection(fps=fps, every=every, roi=roi, motion=motion, novelty=novelty)
    opened = open_source(source)
    on_close = None
    if extractor is None:
        extractor = shipped = FeatureExtractor()
        on_close = shipped.close
    return Stream(
        opened,
        extractor,
        policy=Policy(policy) if policy else None,
        selection=selection,
        limits=limits,
        on_event=on_event,
        on_health=on_health,
        on_close=on_close,
    )
