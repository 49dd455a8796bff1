"""What the connections of one stream write into, and the permit that lets one of them write.

A connection whose reader hangs is given up, and its thread may wake at any later time. So each
connection gets a permit, which is its only way to the stream, and the permit ends with the
connection: a frame that comes afterwards is counted, and goes nowhere.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TypeAlias

from edgefeat.errors import EdgefeatError
from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import Grab, Traits, Unconverted
from edgefeat.streaming.capture.buffer import Buffer, Captured, Policy
from edgefeat.streaming.events import EventKind
from edgefeat.streaming.gates.gates import Pacer
from edgefeat.streaming.meter import Meter

__all__ = ["Intake", "Note", "Permit"]

_FILE_PLACES, _LIVE_PLACES = 2, 8

Note: TypeAlias = tuple[EventKind, str | EdgefeatError]
"""What a connection noticed: the kind of event, and what to say."""


class Intake:
    """The capture side of a stream: where frames, counts and notes of all connections go.

    Args:
        buffer: Where wanted frames go. Its lock guards everything here.
        pacer: Chooses frames before they are decoded.
        meter: Counts.
        asked: What the user wants to happen to frames that come too fast; None leaves it to the
            source.
        traits: How the source behaves, as far as it is known before it is opened.

    Attributes:
        wake: Set when the supervisor has something to look at.
        traits: How the source behaves.
        policy: What happens to frames that come too fast.
    """

    def __init__(
        self, buffer: Buffer, pacer: Pacer, meter: Meter, asked: Policy | None, traits: Traits
    ) -> None:
        self._buffer, self._pacer, self._meter = buffer, pacer, meter
        self._asked = asked
        self.settle(traits)
        self._notes: deque[Note] = deque()
        self.wake = threading.Event()

    def admit(self) -> Permit:
        """Return a permit for a new connection."""
        self._meter.reconnects += 1
        return Permit(self, self._buffer, self._pacer, self._meter)

    def settle(self, traits: Traits) -> None:
        """Keep and choose frames as it suits a source that behaves so."""
        with self._buffer.lock:
            self.traits, live = traits, traits.live
            self.policy = self._asked or (Policy.NEWEST if live else Policy.ALL)
            newest = self.policy is Policy.NEWEST
            places = 1 if newest else _LIVE_PLACES if live else _FILE_PLACES
            self._buffer.set_room(places, waits=not newest and not live)
            # Where only the newest frame counts, what has no time of its own has that of arrival.
            self._pacer.by_arrival = live or (newest and not traits.timed)

    def gap_s(self, captured_at: float, *, first: bool) -> float | None:
        """Note a frame's time; return how long none came before it, if a connection was lost.

        Args:
            captured_at: The frame's `Grab.captured_at`.
            first: Whether the frame is the first of its connection.
        """
        last_at, self._meter.last_frame_at = self._meter.last_frame_at, captured_at
        return captured_at - last_at if first and last_at is not None else None

    def next_note(self) -> Note | None:
        """Return the oldest note that was not returned yet; None if there is none."""
        return self._notes.popleft() if self._notes else None

    def note(self, kind: EventKind, what: str | EdgefeatError) -> None:
        """Leave a note for the supervisor."""
        self._notes.append((kind, what))
        self.wake.set()

    def end(self, error: BaseException | None) -> None:
        """Say that no frame will come; `error` is what ended the stream."""
        self._buffer.end(error)


class Permit:
    """One connection's right to write. It ends once, by `revoke`, and never comes back.

    Args:
        intake: What all connections share.
        buffer: Takes the frames.
        pacer: Chooses which frames are wanted.
        meter: Counts what happens to frames.
    """

    def __init__(self, intake: Intake, buffer: Buffer, pacer: Pacer, meter: Meter) -> None:
        self._intake, self._buffer, self._pacer, self._meter = intake, buffer, pacer, meter
        self._valid = self._is_new = True
        self._gap_s: float | None = None
        self._holds_frame = False  # counted as captured, and not yet as anything else

    @property
    def valid(self) -> bool:
        """Whether the connection may still write."""
        return self._valid

    def revoke(self) -> None:
        """End the right to write. A frame that the connection still holds is discarded."""
        with self._buffer.lock:
            self._valid = False
            self._meter.discarded += self._holds_frame
            self._holds_frame = False
            self._buffer.lock.notify_all()

    def settle(self, traits: Traits) -> None:
        """Say how the source turned out to behave."""
        with self._buffer.lock:
            if self._valid:
                self._intake.settle(traits)

    @property
    def needs_times(self) -> bool:
        """Whether frames are chosen by the source's own times."""
        return self._pacer.needs_times

    @property
    def fps(self) -> float | None:
        """How many frames a second are wanted; None: all."""
        return self._pacer.fps

    def count(self, grab: Grab) -> int | None:
        """Count a frame just grabbed; return its number, or None if it is not wanted.

        Raises:
            SourceError: A rate was asked of a source whose frames have no time.
        """
        with self._buffer.lock:
            index = self._count()
            if not self._valid:
                self._meter.discarded += 1
                return None
            gap_s = self._intake.gap_s(grab.captured_at, first=self._is_new)
            self._is_new, self._gap_s = False, gap_s or self._gap_s
            if grab.repeated or grab.unchanged:
                self._meter.repeated += 1
                return None
            self._holds_frame = self._pacer.wants(grab)
            return index if self._holds_frame else None

    def put(self, index: int, grab: Grab, image: ImageInput | Unconverted) -> None:
        """Hand over a wanted frame; waits for room if the buffer does.

        Args:
            index: Number that `count` gave to the frame.
            grab: What was grabbed.
            image: The picture, encoded, decoded, or to be converted.
        """
        with self._buffer.lock:
            frame = Captured(index, grab, image, self._gap_s)
            self._gap_s = None
            taken = self._buffer.put(frame, allowed=lambda: self._valid)
            self._meter.discarded += self._holds_frame and not taken
            self._holds_frame = False

    def refuse(self, error: EdgefeatError, *, counted: bool, told: bool) -> None:
        """Count a damaged frame.

        Args:
            error: What is wrong with the frame.
            counted: Whether `count` was called for it.
            told: Whether it is worth an event.
        """
        with self._buffer.lock:
            if not counted:
                self._count()
            if not self._valid:
                self._meter.discarded += not counted
                return
            self._holds_frame = False
            self._meter.garbage += 1
            if told:
                self._intake.note(EventKind.GARBAGE, error)

    def note(self, kind: EventKind, what: str | EdgefeatError) -> None:
        """Leave a note for the supervisor."""
        with self._buffer.lock:
            if self._valid:
                self._intake.note(kind, what)

    def wake(self) -> None:
        """Wake the supervisor."""
        self._intake.wake.set()

    def _count(self) -> int:
        index = self._meter.captured
        self._meter.captured += 1
        return index
