"""What happens to a stream besides frames: states, and things worth telling."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

__all__ = ["Event", "EventKind", "OnEvent"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: what, when, and in words."""

    kind: EventKind
    source: str
    message: str
    at: float = field(default_factory=time.monotonic)
    wall_time: float = field(default_factory=time.time)

    def __str__(self) -> str:
        return f"{self.source}: {self.kind.value}: {self.message}"


OnEvent: TypeAlias = Callable[[Event], None]
