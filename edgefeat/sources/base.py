"""What a source of frames is: a recipe that opens a reader, and a reader that gives frames.

A source says how to reach a camera, file or feed, and can be opened again after a loss. Each open
gives a reader of its own, used by one thread, so a reader that hangs inside a library can be left
behind while the next one connects. More kinds of sources need nothing but these two protocols.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

from edgefeat.errors import SourceError
from edgefeat.pictures.decode import ImageInput

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw

__all__ = [
    "ConvertsLater",
    "FrameError",
    "Grab",
    "OpenReader",
    "Reader",
    "Source",
    "Traits",
    "Unconverted",
    "nothing_grabbed",
]


class FrameError(SourceError):
    """One frame came damaged; the next may be fine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grab:
    """When a frame was taken: stamped right after the grab, before any decoding.

    Attributes:
        captured_at: `time.monotonic()`, in seconds.
        wall_time: Unix time, in seconds.
        media_s: The source's own clock in seconds; None if it states no time that can be trusted.
        name: What the frame is called, such as a file's path; None for a camera's frames.
        repeated: Whether the source gave this frame before, as some do after a reconnect.
        unchanged: Whether it is the very same as the frame before: the camera took no new one.
    """

    captured_at: float = field(default_factory=time.monotonic)
    wall_time: float = field(default_factory=time.time)
    media_s: float | None = None
    name: str | None = None
    repeated: bool = False
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a source behaves, as far as it is known; opening it may show more.

    Attributes:
        live: Frames come at their own pace, and the newest matters.
        reopens: The source can be opened again after a loss.
        paced: Silence longer than the timeout is a fault, not a pause.
        timed: Frames have times, so that a rate can be kept.
    """

    live: bool = False
    reopens: bool = False
    paced: bool = True
    timed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconverted:
    """A picture as the source has it. It becomes pixels only if somebody takes it.

    Attributes:
        size_hw: Height and width in pixels.
        sample: Some bytes of the picture, by which it is told from the one before.
        convert: Returns it as pixels, uint8 `(height, width, 3)`, BGR; may be called by another
            thread, also when the source is closed. Raises a FrameError if it cannot be shown.
    """

    size_hw: SizeHw
    sample: bytes
    convert: Callable[[], Pixels]


@runtime_checkable
class ConvertsLater(Protocol):
    """What some readers can do beside `Reader`."""

    def retrieve_later(self) -> ImageInput | Unconverted:
        """Return the picture last grabbed, as `retrieve` does, or so that it can become that.

        Raises:
            FrameError: This frame is damaged.
        """


class Reader(Protocol):
    """One open connection, used by one thread."""

    @property
    def notice(self) -> str | None:
        """What the device does differently from what was asked; each new one is told once."""

    def grab(self) -> Grab | None:
        """Wait for the next frame and stamp it; None at the end, after which none can come.

        Raises:
            FrameError: This frame is damaged.
            SourceError: The connection is lost.
        """

    def retrieve(self) -> ImageInput:
        """Return the picture last grabbed: BGR pixels, encoded bytes or a path.

        Raises:
            FrameError: This frame is damaged.
        """

    def interrupt(self) -> None:
        """Make a waiting `grab` return soon, if that can be done; called by another thread."""

    def close(self) -> None:
        """Release the device or socket; closing twice is fine."""


class OpenReader:
    """A base for readers: a context manager, and what opening showed of the source.

    Attributes:
        notice: What the device does differently from what was asked; it may change at each grab.
        traits: How the source turned out to behave; None: as the source says.
        has_one_size: Whether all frames of a recording should have one size: a new one is told.
    """

    notice: str | None = None
    traits: Traits | None = None
    has_one_size: bool = False

    def states_times(self) -> bool:
        """Return whether frames have times that can be trusted; asked if a rate is to be kept."""
        return True

    def set_rate(self, fps: float | None) -> None:
        """Take note of how many frames a second are wanted; None: all."""

    def interrupt(self) -> None:
        """Do nothing: a read ends by itself within its time limit."""

    def close(self) -> None:
        """Release nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Source(Protocol):
    """Where frames come from.

    `name` is shown to people and written to records: it never holds a password.
    """

    @property
    def name(self) -> str:
        """What the source is called."""

    @property
    def traits(self) -> Traits:
        """How the source behaves."""

    def open(self, *, timeout_s: float) -> Reader:
        """Connect.

        Args:
            timeout_s: Longest wait to connect, and for each frame, if the backend can be told so.

        Raises:
            SourceError: The source cannot be reached.
        """


def nothing_grabbed(name: str) -> FrameError:
    """Return the error of a `retrieve` without a `grab` before it."""
    return FrameError("no frame was grabbed", where=name, remedy="Call `grab` first.")
