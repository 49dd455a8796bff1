"""Keeps a source connected: notices stalls and losses, tries again, and tells what happened.

A thread of its own that sleeps until the next deadline: what the user's code does between two
frames delays neither capture nor events, and a frame that comes costs no wake-up here.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from edgefeat.errors import SourceError
from edgefeat.sources.base import Source
from edgefeat.streaming.buffer import Buffer
from edgefeat.streaming.connection import Connection, Link
from edgefeat.streaming.events import Event, EventKind, OnEvent
from edgefeat.streaming.health import Meter
from edgefeat.streaming.limits import Limits
from edgefeat.streaming.selection import Pacer

__all__ = ["Supervisor"]

_REPORT_EVERY_S = 1.0
# A backend that keeps its own time limit says better what is wrong: it may speak first.
_GRACE_S = 0.2
# A thread that can end is let end before the next starts: two at once would take memory twice.
_REAP_S = 0.1
_STATES = frozenset(
    {
        EventKind.CONNECTED,
        EventKind.STALLED,
        EventKind.FROZEN,
        EventKind.LOST,
        EventKind.RECOVERED,
        EventKind.ENDED,
    }
)


class _Verdict(Enum):
    STOPPED = auto()  # by the caller
    OVER = auto()  # the time asked for is over
    ENDED = auto()  # the source gave its last frame
    BROKEN = auto()


class Supervisor:
    """Runs connections one after the other.

    Args:
        source: What to connect to.
        buffer: Where frames go.
        pacer: Chooses frames before they are decoded.
        limits: Times, and how often to try again.
        meter: Counts.
        on_event: Called in this thread with each event.
        report: Called in this thread once a second.
    """

    def __init__(
        self,
        source: Source,
        buffer: Buffer,
        pacer: Pacer,
        limits: Limits,
        meter: Meter,
        *,
        on_event: OnEvent | None,
        report: Callable[[], None] | None,
    ) -> None:
        self._source, self._traits, self._limits = source, source.traits, limits
        self._buffer, self._meter = buffer, meter
        self._on_event, self._report = on_event, report
        self._wake = threading.Event()
        self._notes: deque[tuple[EventKind, str]] = deque()
        self._link = Link(
            source,
            buffer,
            pacer,
            meter,
            limits.timeout_s,
            limits.frozen_s,
            self._wake,
            self._notes,
        )
        self._connection: Connection | None = None
        self._stopping = threading.Event()
        self._why = ""
        self._connected_before = False
        self._rng = random.Random()  # noqa: S311 - spreads attempts, guards nothing
        self._thread = threading.Thread(
            target=self._run, name="edgefeat stream supervisor", daemon=True
        )

    def start(self) -> None:
        """Start connecting."""
        now = time.monotonic()
        duration_s = self._limits.duration_s
        self._end_at = now + duration_s if duration_s is not None else float("inf")
        self._report_at = now + _REPORT_EVERY_S if self._report else float("inf")
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Stop, and wait a little for the source to be released."""
        deadline = time.monotonic() + timeout_s
        self._stopping.set()
        self._wake.set()
        if self._thread is threading.current_thread():  # closed by one of its callbacks
            return
        self._thread.join(timeout_s)
        connection = self._connection
        if connection is not None:
            connection.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            error = self._keep_connected()
            self._tell(EventKind.ENDED, self._why)
        # What the user's callbacks raise ends the stream and is raised in the user's own thread.
        except BaseException as raised:  # noqa: BLE001
            error = raised
        finally:
            if self._connection is not None:
                self._connection.abandon()
            self._buffer.end(error)

    def _keep_connected(self) -> BaseException | None:
        """Connect, again and again if need be; return what ended the stream, None if all is well.

        Leaves in `_why` what to say of the end.
        """
        failures = 0
        while True:
            connection = self._connection = Connection(self._link)
            connection.start()
            verdict = self._watch(connection)
            ended_by = connection.error  # before `abandon`, which may add an error of its own
            connection.abandon()
            if verdict is not _Verdict.BROKEN:
                return None
            self._connected_before |= connection.frames > 0
            failures = 0 if connection.frames else failures + 1
            error = ended_by or SourceError(f"{self._source.name}: {self._why}")
            if connection.frames:
                self._meter.losses += 1
                self._tell(EventKind.LOST, self._why)
            if not self._may_retry(error, failures):
                return error
            delay_s = self._limits.delay_s(failures, self._rng)
            if failures:
                self._tell(EventKind.RETRY, f"{self._why} Again in {delay_s:.1f} s.")
            if self._pause(delay_s):
                return None
            connection.join(_REAP_S)

    def _may_retry(self, error: BaseException, failures: int) -> bool:
        if not (self._traits.reopens and isinstance(error, SourceError)):
            return False
        if not (self._connected_before or self._limits.wait):
            return False
        allowed = self._limits.reconnect
        return allowed is None or failures < allowed

    def _watch(self, connection: Connection) -> _Verdict:
        """Follow one connection to its end."""
        announced = stalled = False
        while True:
            self._wake.wait(self._wait_s(connection, stalled=stalled))
            self._wake.clear()
            finished = connection.finished
            self._tell_notes()
            now = time.monotonic()
            verdict = self._ended_by_caller(now)
            if connection.frames and not announced:
                announced = True
                self._announce()
            if verdict is not None:
                return verdict
            if finished:
                return self._judge(connection)
            if stalled and not connection.attention:
                stalled = False
                self._tell(EventKind.RECOVERED, "frames come again")
            silent_s = self._silence(connection, now)
            if silent_s >= self._limits.timeout_s + _GRACE_S:
                self._why = f"no frame for {self._limits.timeout_s:g} s."
                return _Verdict.BROKEN
            if announced and not stalled and silent_s >= self._limits.stalled_after_s:
                stalled = connection.attention = True
                self._tell(EventKind.STALLED, f"no frame for {silent_s:.1f} s")

    def _judge(self, connection: Connection) -> _Verdict:
        if connection.error is not None:
            self._why = str(connection.error).removeprefix(f"{self._source.name}: ")
            return _Verdict.BROKEN
        self._why = "no more frames"
        return _Verdict.ENDED

    def _ended_by_caller(self, now: float) -> _Verdict | None:
        if now >= self._report_at and self._report:
            self._report_at = now + _REPORT_EVERY_S
            self._report()
        if self._stopping.is_set():
            self._why = "stopped"
            return _Verdict.STOPPED
        if now >= self._end_at:
            self._why = f"{self._limits.duration_s:g} s are over"
            return _Verdict.OVER
        return None

    def _announce(self) -> None:
        if self._connected_before:
            self._tell(EventKind.RECOVERED, "connected again")
        else:
            self._connected_before = True
            self._tell(EventKind.CONNECTED, "frames come")

    def _silence(self, connection: Connection, now: float) -> float:
        since = connection.silent_since
        return now - since if since is not None and self._traits.paced else 0.0

    def _wait_s(self, connection: Connection, *, stalled: bool) -> float | None:
        """Return the time to the next deadline."""
        deadline = min(self._end_at, self._report_at)
        now = time.monotonic()
        if self._traits.paced:
            known = connection.frames > 0 and not stalled
            limit_s = self._limits.stalled_after_s if known else self._limits.timeout_s + _GRACE_S
            since = connection.silent_since
            deadline = min(deadline, (now if since is None else since) + limit_s)
        return max(0.0, deadline - now) if deadline != float("inf") else None

    def _pause(self, seconds: float) -> bool:
        """Wait before the next attempt; True if the stream is to end instead."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            if self._ended_by_caller(now) is not None:
                return True
            self._wake.wait(min(until, self._end_at, self._report_at) - now)
            self._wake.clear()
            self._tell_notes()
        return self._ended_by_caller(time.monotonic()) is not None

    def _tell_notes(self) -> None:
        while self._notes:
            self._tell(*self._notes.popleft())

    def _tell(self, kind: EventKind, message: str) -> None:
        if kind in _STATES:
            self._meter.enter(kind)
        if self._on_event is not None:
            self._on_event(Event(kind=kind, source=self._source.name, message=message))
