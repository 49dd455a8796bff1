"""Several cameras in one process: each in a thread of its own, and one extractor for all."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from types import TracebackType
from typing import Literal, Self

from edgefeat.errors import EdgefeatError, OptionError
from edgefeat.messages.warn import warn_caller
from edgefeat.options.checks import whole_number
from edgefeat.streaming.asynchronous import iterate
from edgefeat.streaming.events import Event, OnEvent
from edgefeat.streaming.names import Names
from edgefeat.streaming.outlet import Outlet
from edgefeat.streaming.result import Extractor, StreamResult
from edgefeat.streaming.several.camera import AnyCamera, NamedCamera, check_together
from edgefeat.streaming.several.camera_stream import CameraStream, Consume
from edgefeat.streaming.several.group_health import GroupHealth, OnGroupHealth, group_numbers
from edgefeat.streaming.several.handoff import Handoff
from edgefeat.streaming.several.members import explained, join_all, stuck_s, summed_up
from edgefeat.streaming.several.turns import Turns
from edgefeat.streaming.stream import Stream
from edgefeat.streaming.waiting import wait_a_little

__all__ = ["StreamGroup"]

# `close` promises 1 s, of which the callbacks get so much each.
_STOP_BUDGET_S, _TELL_BUDGET_S = 0.8, 0.1
_NUMBERS_BUDGET_S = 0.5  # from the beginning of `close`: a slow card takes so long for a file
_LEAST_BUDGET_S = 0.05  # where the wait after `stop` took it all
_REPORT_EVERY_S = 1.0


class StreamGroup:
    """Features of several cameras, which share one extractor and take turns at it.

    Iterate over it once, with `for` or, in asyncio, with `async for`; or call `run`. Leaving the
    loop in any way releases all cameras, and so does `close`. A camera that is dead, slow or
    misbehaves does not stop the others, and each gets the same share of the extractor. Of each
    camera at most one record waits for the loop; newer frames of it are counted as dropped.

    Args:
        cameras: What each camera is, by the name that records, events and live numbers call it.
        extractor: What makes features; stays the caller's. Several threads use it, no more at once
            than `workers`, where one that has not come back for 30 s does not count.
        workers: How many frames are worked on at once; None: as many as the extractor says in
            `usual_workers`, else one.
        device: What the device is called; None: the host's name.
        on_event: Called with each event; its `source` is the camera's name.
        on_health: Called with live numbers once a second, and at the end.
        on_close: Called once all cameras are released.

    Raises:
        OptionError: A name or option does not fit, or two cameras get in each other's way.
        SourceError: A source names nothing that can be opened.
    """

    def __init__(
        self,
        cameras: Mapping[str, AnyCamera],
        extractor: Extractor,
        *,
        workers: int | None = None,
        device: str | None = None,
        on_event: OnEvent | None = None,
        on_health: OnGroupHealth | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        if workers is None:
            workers = getattr(extractor, "usual_workers", 1)
        self._turns = Turns(whole_number("workers", workers))
        self._extractor, self._on_close = extractor, on_close
        self._device = device or Names().device
        self._state: Literal["new", "running", "closed"] = "new"
        self._stopping = self._is_changing = False
        self._stop_asked_at = 0.0
        # A signal handler may stop the group in the thread that waits for its end.
        self._changed = threading.Condition(threading.RLock())
        self._one_change = threading.Lock()
        self._consume: Consume | None = None
        self._handoff: Handoff[StreamResult | UserWarning] = Handoff()
        self._events = None if on_event is None else Outlet(on_event, name="events")
        self._reports = None
        if on_health is not None:
            self._reports = Outlet(
                on_health, name="health", places=1, every_s=_REPORT_EVERY_S, make=self.health
            )
        self._started_at, self._cpu_at_start = time.monotonic(), time.process_time()
        self._members: dict[str, CameraStream] = {}
        self.change(add=cameras)

    def __repr__(self) -> str:
        return f"<StreamGroup of {', '.join(self._members)}: {self._state}>"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the cameras."""
        return tuple(self._members)

    @property
    def failures(self) -> dict[str, EdgefeatError]:
        """What ended cameras before their regular end, by name."""
        members = list(self._members.items())
        return {name: one.failure for name, one in members if one.failure is not None}

    @property
    def damaged(self) -> int:
        """How many pictures of sources that are not live were damaged."""
        members = list(self._members.values())
        return sum(one.health().garbage for one in members if not one.live)

    def change(
        self, *, add: Mapping[str, AnyCamera] | None = None, remove: Collection[str] = ()
    ) -> None:
        """Add and remove cameras, also while others run; a camera to be both is started anew.

        Nothing changes unless all can be done.

        Args:
            add: What each new camera is, by its name.
            remove: Names of cameras to stop and forget.

        Raises:
            OptionError: A name or option does not fit, a name is taken or unknown, no camera would
                be left, or two would get in each other's way.
            SourceError: A source names nothing that can be opened.
            ValueError: The group was closed.
        """
        with self._one_change:
            if self._state == "closed":
                raise ValueError("the group was closed. Make a new one.")
            there = dict(self._members)
            for name in remove:
                if name not in there:
                    raise OptionError(f"no camera {name!r}", option="remove")
            kept = {name: one for name, one in there.items() if name not in remove}
            for name in add or ():
                if name in kept:
                    raise OptionError(f"there is a camera {name!r} already", option="add")
            new = [NamedCamera.of(name, given) for name, given in (add or {}).items()]
            check_together([one.named for one in kept.values()] + new)
            made = [self._made(one) for one in new]
            self._is_changing = True
            try:
                self._release([there[name] for name in remove])
            finally:
                with self._changed:
                    for name in remove:
                        del self._members[name]
                    self._is_changing = False
                    if not self._stopping:
                        self._members |= {one.named.name: one for one in made}
                        if self._consume is not None:
                            for one in made:
                                one.begin(self._consume)
                    self._look()

    def run(self, consume: Consume) -> None:
        """Read each camera in a thread of its own, until all have ended or the group is stopped.

        A camera whose `consume` raises has ended; see `failures`.

        Args:
            consume: Called in each camera's thread with its name and its `Stream`, to iterate over.
        """
        self._check_new()
        try:
            self._begin(consume)
            with self._changed:
                while not self._all_over():
                    wait_a_little(self._changed)
        finally:
            self.close()

    def __iter__(self) -> Iterator[StreamResult]:
        self._check_new()
        try:
            self._begin(self._hand_over)
            while (item := self._handoff.take()) is not None:
                if isinstance(item, UserWarning):
                    warn_caller(item)
                else:
                    yield item
            stopped = self._stopping
        finally:
            self.close()
        if (failures := self.failures) and not stopped:
            first = next(iter(failures.values()))
            raise summed_up(failures, len(self._members)) from first

    def __aiter__(self) -> AsyncIterator[StreamResult]:
        return iterate(iter(self), stop=self.stop, close=self.close)

    def stop(self) -> None:
        """End all cameras soon; may be called from another thread or a signal handler."""
        if not self._stopping:
            self._stopping, self._stop_asked_at = True, time.monotonic()
        for one in list(self._members.values()):
            one.stop()

    def close(self) -> None:
        """Stop and release all cameras, within a second; closing twice is fine."""
        if self._state == "closed":
            return
        started = self._state == "running"
        self._state = "closed"
        self.stop()
        self._handoff.close()
        try:
            if started:
                spent_s = time.monotonic() - self._stop_asked_at
                left_s = max(_LEAST_BUDGET_S, _STOP_BUDGET_S - spent_s)
                join_all(list(self._members.values()), left_s)
                self._finish_telling(self._stop_asked_at + _NUMBERS_BUDGET_S)
        finally:
            if self._on_close is not None:
                self._on_close()

    def health(self) -> GroupHealth:
        """Return live numbers."""
        return group_numbers(
            self._device,
            dict(self._members),
            [outlet for outlet in (self._events, self._reports) if outlet is not None],
            ended=self._state == "closed",
            started_at=self._started_at,
            cpu_s=time.process_time() - self._cpu_at_start,
        )

    def stuck_s(self) -> float:
        """Return for how many seconds there has been work on a frame, and none has been done."""
        return stuck_s(list(self._members.values()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _made(self, named: NamedCamera) -> CameraStream:
        try:
            return CameraStream(
                named,
                self._extractor,
                self._turns,
                device=self._device,
                heard=self._heard,
                over=self._one_is_over,
            )
        except (EdgefeatError, OptionError) as error:
            error.within(named.name)
            raise

    def _check_new(self) -> None:
        if self._state != "new":
            raise ValueError("a group can be read once. Make a new one.")

    def _begin(self, consume: Consume) -> None:
        self._state = "running"
        for outlet in (self._events, self._reports):
            if outlet is not None:
                outlet.start()
        with self._one_change, self._changed:
            self._consume = consume
            for one in self._members.values():
                one.begin(consume)

    def _hand_over(self, name: str, stream: Stream) -> None:
        for record in stream:
            if not self._handoff.put(record):
                return

    def _heard(self, event: Event) -> None:
        if self._events is not None:
            self._events.put(event)

    def _one_is_over(self, member: CameraStream) -> None:
        if member.failure is not None and self._events is None:
            what = f"a camera has ended: {explained(member.named.name, member.failure)}"
            self._handoff.add(UserWarning(what))
        with self._changed:
            self._look()

    def _look(self) -> None:
        if self._all_over():
            self._handoff.end()
        self._changed.notify_all()

    def _all_over(self) -> bool:
        return not self._is_changing and all(one.is_over for one in self._members.values())

    def _release(self, members: list[CameraStream]) -> None:
        """Stop cameras and wait a little for them."""
        for one in members:
            one.stop()
        join_all(members, _STOP_BUDGET_S)

    def _finish_telling(self, until: float) -> None:
        """Have all events told, then the final numbers, for which there is time until then."""
        if self._events is not None:
            self._events.close(_TELL_BUDGET_S)
        if self._reports is not None:
            self._reports.put(self.health())
            self._reports.close(max(_TELL_BUDGET_S, until - time.monotonic()))
