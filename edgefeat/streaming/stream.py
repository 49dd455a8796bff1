"""Feature streaming: frames of a live or recorded source in, one record per vector out."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from types import TracebackType
from typing import Literal, Self, TypeAlias

from edgefeat.extractor import FeatureExtractor
from edgefeat.options.checks import choice
from edgefeat.options.stream import Limits, Selection
from edgefeat.sources.base import Source
from edgefeat.sources.grammar import AnySource, ColourName, open_source
from edgefeat.streaming.applicable import check_limits, check_selection
from edgefeat.streaming.asynchronous import iterate
from edgefeat.streaming.capture.buffer import Buffer, Policy
from edgefeat.streaming.capture.intake import Intake
from edgefeat.streaming.capture.supervisor import Supervisor
from edgefeat.streaming.events import Event, EventKind, OnEvent
from edgefeat.streaming.gates.gates import Pacer
from edgefeat.streaming.gates.scene import SceneWatch
from edgefeat.streaming.health import Health, OnHealth
from edgefeat.streaming.inference import Inference
from edgefeat.streaming.live_numbers import live_numbers
from edgefeat.streaming.meter import Meter
from edgefeat.streaming.names import Names
from edgefeat.streaming.outlet import Outlet
from edgefeat.streaming.result import Extractor, StreamResult

__all__ = ["PolicyName", "Stream", "stream"]

PolicyName: TypeAlias = Literal["newest", "all"]
# `close` promises 1 s. The supervisor gets this much of it, and each callback as much as follows.
_STOP_BUDGET_S, _TELL_BUDGET_S = 0.5, 0.1
_NUMBERS_BUDGET_S = 0.5  # from the beginning of `close`: a slow card takes so long for a file
_REPORT_EVERY_S = 1.0


class Stream:
    """Features of a source's frames, one record after the other.

    Iterate over it once, with `for` or, in asyncio, with `async for`; leaving the loop in any way
    releases the source, and so does `close`. Capture starts with the first iteration.

    Callbacks run in threads of their own. One that is slow, blocks or raises stops nothing: what
    it is not told is counted in `Health.untold`, and its first exception is shown on stderr.

    Args:
        source: What to read.
        extractor: What makes features; stays the caller's.
        policy: `newest` gives the latest frame and counts the others as dropped, `all` gives every
            frame in order; None: `newest` for live sources, `all` for the rest.
            With `newest`, frames without times of their own are sampled by their arrival.
        selection: Which frames and features are wanted; None: all.
        limits: Times, and how often to reconnect; None: the defaults.
        on_event: Called with each event.
        on_health: Called with live numbers once a second, and at the end.
        on_close: Called once the source is released.
        names: What device, camera and session are called in records; None: the host's name, the
            source's, and a new text.
        turns: Entered for the work on each frame, from its conversion to its features; streams that
            share it take turns. The newest frame is taken once it is entered. None: no waiting.

    Raises:
        OptionError: A wrong value, or an option that does not go with this source.
    """

    def __init__(
        self,
        source: Source,
        extractor: Extractor,
        *,
        policy: Policy | PolicyName | None = None,
        selection: Selection | None = None,
        limits: Limits | None = None,
        on_event: OnEvent | None = None,
        on_health: OnHealth | None = None,
        on_close: Callable[[], None] | None = None,
        names: Names | None = None,
        turns: AbstractContextManager[object] | None = None,
    ) -> None:
        selection, limits = selection or Selection(), limits or Limits()
        asked = None if policy is None else Policy(choice("policy", policy, *Policy))
        check_selection(selection, source, newest=asked is Policy.NEWEST)
        check_limits(limits, source)
        self._source, self._on_close = source, on_close
        self._pacer = Pacer(selection.every, selection.fps)
        self._buffer = Buffer()
        self._meter = Meter()
        self._intake = Intake(self._buffer, self._pacer, self._meter, asked, source.traits)
        self._names = names or Names()
        self._turns: AbstractContextManager[object] = turns or nullcontext()
        self._inference = Inference(
            self.source,
            extractor,
            selection,
            self._made_watch(selection, self._notice),
            self._meter,
            self._tell,
            names=self._names,
            by_arrival=lambda: self._pacer.by_arrival,
        )
        self._state: Literal["new", "running", "closed"] = "new"
        self._events = None if on_event is None else Outlet(on_event, name="events")
        self._reports = None
        if on_health is not None:
            self._reports = Outlet(
                on_health, name="health", places=1, every_s=_REPORT_EVERY_S, make=self.health
            )
        self._supervisor = Supervisor(source, self._intake, limits, self._tell)

    def __repr__(self) -> str:
        return f"<Stream of {self.source!r}: {self._state}>"

    @property
    def source(self) -> str:
        """What the source is called, never with a password."""
        return self._names.source or self._source.name

    @property
    def policy(self) -> Policy:
        """What happens to frames the loop is too slow for; settled once the source is open."""
        return self._intake.policy

    @property
    def live(self) -> bool:
        """Whether frames come at their own pace; settled once the source is open."""
        return self._intake.traits.live

    def __iter__(self) -> Iterator[StreamResult]:
        # A generator: leaving a `for` loop early drops it, and its `finally` releases the source.
        if self._state != "new":
            raise ValueError("a stream can be iterated over once. Make a new one.")
        self._state = "running"
        try:
            for outlet in (self._events, self._reports):
                if outlet is not None:
                    outlet.start()
            self._supervisor.start()
            while self._buffer.wait():
                self._meter.busy_since = time.monotonic()
                result = self._next()
                if result is not None:
                    yield result
                self._meter.busy_since, self._meter.worked_at = None, time.monotonic()
        finally:
            self._meter.busy_since = None
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
                until = time.monotonic() + _NUMBERS_BUDGET_S
                self._supervisor.stop(_STOP_BUDGET_S)
                self._finish_telling(until)
        finally:
            if self._on_close is not None:
                self._on_close()

    def health(self) -> Health:
        """Return live numbers."""
        return live_numbers(
            self.source,
            self._names,
            self._inference,
            self._meter,
            self._buffer,
            self._pacer,
            [outlet for outlet in (self._events, self._reports) if outlet is not None],
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

    def _next(self) -> StreamResult | None:
        """Work on the next frame; None if it gives no record, or if the stream was stopped."""
        with self._turns:
            frame = self._buffer.take()
            if frame is None:
                return None
            result = self._inference.record(frame, dropped=self._buffer.dropped)
        if result is not None:
            self._meter.emitted += 1
            self._meter.last_record_at = time.monotonic()
        return result

    def _made_watch(self, selection: Selection, note: Callable[[str], None]) -> SceneWatch:
        return SceneWatch(selection, note)

    def _notice(self, what: str) -> None:
        self._tell(Event(kind=EventKind.NOTICE, source=self.source, what=what))

    def _finish_telling(self, until: float) -> None:
        """Have all events told, then the final numbers, for which there is time until then."""
        if self._events is not None:
            self._events.close(_TELL_BUDGET_S)
        if self._reports is not None:
            self._reports.put(self.health())
            self._reports.close(max(_TELL_BUDGET_S, until - time.monotonic()))

    def _tell(self, event: Event) -> None:
        event = self._names.renamed(event, self._source.name)
        self._meter.note(event)
        if self._events is not None:
            self._events.put(event)


def stream(
    source: AnySource,
    extractor: Extractor | None = None,
    *,
    policy: Policy | PolicyName | None = None,
    selection: Selection | None = None,
    limits: Limits | None = None,
    colour: ColourName | None = None,
    on_event: OnEvent | None = None,
    on_health: OnHealth | None = None,
    names: Names | None = None,
) -> Stream:
    """Return the features of a source's frames, to iterate over.

        from edgefeat.streaming import Limits, Selection

        two_a_second = Selection(fps=2)
        for r in edgefeat.stream("rtsp://camera/stream", selection=two_a_second):
            print(r.index, r.age_ms, r.features)

    Args:
        source: Camera index or device path, video file, folder or pattern of pictures, RTSP or
            MJPEG URL, or a list, an iterator or a function that gives pictures.
        extractor: What makes features, and stays the caller's; None opens the shipped model, for
            the life of the stream.
        policy: `newest` gives the latest frame and counts the others as dropped, `all` gives every
            frame in order; None: `newest` for live sources, `all` for the rest.
        selection: Which frames and features are wanted: an `edgefeat.streaming.Selection`.
        limits: Times, and how often to reconnect: an `edgefeat.streaming.Limits`.
        colour: Channel order of the arrays in a list, from an iterator or from a function; None:
            BGR, as in OpenCV. Other sources know their own.
        on_event: Called with each event, such as a lost connection.
        on_health: Called with live numbers once a second, and at the end.
        names: What device, camera and session are called in records; None: see `Stream`.

    Raises:
        SourceError: While iterating: it cannot be opened, or is lost for good.
        OptionError: A wrong value, or an option that does not go with this source.
    """
    opened = open_source(source, colour=colour)
    with ExitStack() as held:
        if extractor is None:
            extractor = held.enter_context(FeatureExtractor())
        made = Stream(
            opened,
            extractor,
            policy=policy,
            selection=selection,
            limits=limits,
            on_event=on_event,
            on_health=on_health,
            on_close=lambda: kept.close(),
            names=names,
        )
        kept = held.pop_all()  # the stream closes the extractor from now on
        return made
