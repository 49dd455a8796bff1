"""What happens to a stream besides frames: states, and things worth telling."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from edgefeat.errors import EdgefeatError

__all__ = ["STATES", "Event", "EventKind", "OnEvent"]


class EventKind(StrEnum):
    """Kinds of events. The first six are states a stream stays in; the rest are moments."""

    CONNECTED = "connected"  # the first frame is here
    STALLED = "stalled"  # no frame for a while; the connection is still held
    FROZEN = "frozen"  # frames come, and show the very same picture
    LOST = "lost"  # the connection is given up
    RECOVERED = "recovered"  # frames come again
    ENDED = "ended"  # no frame will come any more
    RETRY = "retry"  # a new connection failed
    GARBAGE = "garbage"  # a frame was damaged and left out
    RESIZED = "resized"  # frames have a new size
    NOTICE = "notice"  # the camera does not do what was asked


STATES = frozenset(list(EventKind)[:6])


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: what happened, when, and in words.

    Attributes:
        kind: What kind of event this is.
        source: What the source is called; never with a password.
        what: What happened, in words; with an error, what follows from it.
        error: What went wrong, if anything did.
        at: `time.monotonic()`, in seconds.
        wall_time: Unix time, in seconds.
    """

    kind: EventKind
    source: str
    what: str = ""
    error: EdgefeatError | None = None
    at: float = field(default_factory=time.monotonic)
    wall_time: float = field(default_factory=time.time)

    @property
    def message(self) -> str:
        """What happened, in words, without the source."""
        return self.message_for(str)

    def message_for(self, spell: Callable[[str], str]) -> str:
        """Return `message` with options as `spell` spells them; see `ExplainedError.message`."""
        reason = "" if self.error is None else self._reason(self.error, spell)
        return " ".join(part for part in (reason, self.what) if part)

    def _reason(self, error: EdgefeatError, spell: Callable[[str], str]) -> str:
        of_source = error.where is None or error.where == self.source
        return error.reason_for(spell) if of_source else error.message(spell)

    def __str__(self) -> str:
        return f"{self.source}: {self.kind.value}: {self.message}"


OnEvent: TypeAlias = Callable[[Event], None]
