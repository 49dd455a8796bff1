"""Keeps a source connected: notices stalls and losses, tries again, and says what happened.

It has a thread of its own that sleeps until the next deadline: what the user's code does between
two frames delays neither capture nor events, and a frame that comes costs no wake-up here.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from enum import Enum, auto

from edgefeat.errors import EdgefeatError, SourceError
from edgefeat.options.stream import Limits
from edgefeat.sources.base import Source
from edgefeat.streaming.capture.connection import Connection
from edgefeat.streaming.capture.intake import Intake
from edgefeat.streaming.events import Event, EventKind

__all__ = ["Supervisor"]

# A backend that keeps its own time limit says better what is wrong: it may speak first.
_GRACE_S = 0.2
# Wait so long for the old thread, so that two connections do not hold memory at once.
_REAP_S = 0.1


class _Verdict(Enum):
    STOPPED = auto()  # by the caller
    OVER = auto()  # the time asked for is over
    ENDED = auto()  # the source gave its last frame
    BROKEN = auto()


class Supervisor:
    """Runs connections one after the other.

    Args:
        source: What to connect to.
        intake: Where the connections' frames and notes go.
        limits: Times, and how often to try again.
        tell: Called with each event, in the supervisor's thread; it must not wait.
    """

    def __init__(
        self, source: Source, intake: Intake, limits: Limits, tell: Callable[[Event], None]
    ) -> None:
        self._source, self._intake, self._limits = source, intake, limits
        self._tell_event = tell
        self._connection: Connection | None = None
        self._stopping = threading.Event()
        self._end_at = float("inf")
        self._connected_before = False
        self._rng = random.Random()  # noqa: S311 - spreads attempts, guards nothing
        self._thread = threading.Thread(
            target=self._run, name="edgefeat stream supervisor", daemon=True
        )

    def start(self) -> None:
        """Start connecting."""
        if self._limits.duration_s is not None:
            self._end_at = time.monotonic() + self._limits.duration_s
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Stop, and wait a little for the source to be released."""
        deadline = time.monotonic() + timeout_s
        self._stopping.set()
        self._intake.wake.set()
        self._thread.join(timeout_s)
        connection = self._connection
        if connection is not None:
            connection.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            error = self._keep_connected()
        # Nothing here raises on purpose; what does must still reach the user's loop.
        except BaseException as raised:  # noqa: BLE001
            error = raised
        finally:
            if self._connection is not None:
                self._connection.abandon()
            self._intake.end(error)

    def _keep_connected(self) -> BaseException | None:
        """Connect, again and again if need be; return the error that ended the stream, if any."""
        failures = 0
        while True:
            connection = self._connection = self._connect()
            verdict = self._watch(connection)
            error = connection.error  # before `abandon`, which may add an error of its own
            connection.abandon()
            if verdict is not _Verdict.BROKEN:
                self._tell_end(verdict)
                return None
            if error is None:
                error = SourceError(self._silence(), where=self._source.name)
            self._connected_before |= connection.frames > 0
            failures = 0 if connection.frames else failures + 1
            if connection.frames:
                self._tell(EventKind.LOST, error)
            if not self._may_retry(connection, error, failures):
                self._tell(EventKind.ENDED, error)
                return error
            delay_s = self._limits.delay_s(failures, self._rng)
            if failures:
                self._tell(EventKind.RETRY, error, f"Again in {delay_s:.1f} s.")
            verdict_in_pause = self._pause(delay_s)
            if verdict_in_pause is not None:
                self._tell_end(verdict_in_pause)
                return None
            connection.join(_REAP_S)

    def _connect(self) -> Connection:
        connection = Connection(
            self._source,
            self._intake.admit(),
            timeout_s=self._limits.timeout_s,
            frozen_s=self._limits.frozen_s,
        )
        connection.start()
        return connection

    def _may_retry(self, connection: Connection, error: BaseException, failures: int) -> bool:
        if not (connection.traits.reopens and isinstance(error, SourceError)):
            return False
        if not (self._connected_before or self._limits.wait):
            return False
        allowed = self._limits.reconnect
        return allowed is None or failures < allowed

    def _watch(self, connection: Connection) -> _Verdict:
        """Follow one connection to its end."""
        announced = stalled = False
        while True:
            self._intake.wake.wait(self._wait_s(connection, stalled=stalled))
            self._intake.wake.clear()
            finished = connection.finished
            self._tell_notes()
            now = time.monotonic()
            verdict = self._callers_verdict(now)
            if connection.frames and not announced:
                announced = True
                self._announce()
            if verdict is not None:
                return verdict
            if finished:
                return _Verdict.ENDED if connection.error is None else _Verdict.BROKEN
            if stalled and not connection.attention:
                stalled = False
                self._tell(EventKind.RECOVERED, what="frames come again")
            silent_s = self._silent_s(connection, now)
            if silent_s >= self._limits.timeout_s + _GRACE_S:
                return _Verdict.BROKEN
            if announced and not stalled and silent_s >= self._limits.stalled_after_s:
                stalled = connection.attention = True
                self._tell(EventKind.STALLED, what=f"no frame for {silent_s:.1f} s")

    def _callers_verdict(self, now: float) -> _Verdict | None:
        """Return what the caller wants; None to go on."""
        if self._stopping.is_set():
            return _Verdict.STOPPED
        return _Verdict.OVER if now >= self._end_at else None

    def _silent_s(self, connection: Connection, now: float) -> float:
        since = connection.silent_since
        return now - since if since is not None and connection.traits.paced else 0.0

    def _wait_s(self, connection: Connection, *, stalled: bool) -> float | None:
        """Return the time to the next deadline."""
        deadline, now = self._end_at, time.monotonic()
        if connection.traits.paced:
            known = connection.frames > 0 and not stalled
            limit_s = self._limits.stalled_after_s if known else self._limits.timeout_s + _GRACE_S
            since = connection.silent_since
            deadline = min(deadline, (now if since is None else since) + limit_s)
        return max(0.0, deadline - now) if deadline != float("inf") else None

    def _pause(self, seconds: float) -> _Verdict | None:
        """Wait before the next attempt; return what the caller wants instead, if anything."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            verdict = self._callers_verdict(now)
            if verdict is not None:
                return verdict
            self._intake.wake.wait(min(until, self._end_at) - now)
            self._intake.wake.clear()
            self._tell_notes()
        return self._callers_verdict(time.monotonic())

    def _silence(self) -> str:
        return f"no frame for {self._limits.timeout_s:g} s"

    def _announce(self) -> None:
        if self._connected_before:
            self._tell(EventKind.RECOVERED, what="connected again")
        else:
            self._connected_before = True
            self._tell(EventKind.CONNECTED, what="frames come")

    def _tell_notes(self) -> None:
        while (note := self._intake.next_note()) is not None:
            kind, what = note
            if isinstance(what, EdgefeatError):
                self._tell(kind, what)
            else:
                self._tell(kind, what=what)

    def _tell_end(self, verdict: _Verdict) -> None:
        self._tell_notes()
        why = {
            _Verdict.STOPPED: "stopped",
            _Verdict.OVER: f"{self._limits.duration_s or 0:g} s are over",
        }
        self._tell(EventKind.ENDED, what=why.get(verdict, "no more frames"))

    def _tell(self, kind: EventKind, error: BaseException | None = None, what: str = "") -> None:
        if error is not None and not isinstance(error, EdgefeatError):
            what = f"{type(error).__name__} {what}".strip()  # raised in the user's loop, whole
            error = None
        self._tell_event(Event(kind=kind, source=self._source.name, what=what, error=error))
