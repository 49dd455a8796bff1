"""What a decoder of video is: one open file or connection, read frame by frame."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from edgefeat.options.video import VideoOptions
from edgefeat.sources.base import Unconverted

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["CannotOpenError", "Decoder", "OpenRequest", "Opener", "Place"]

Place: TypeAlias = str | io.BufferedIOBase
"""A path, a URL, or a file object that keeps its own time limit and raises nothing."""

Opener: TypeAlias = Callable[[str, Mapping[str, str]], io.BufferedIOBase]
"""Opens a URL, with FFmpeg's options for it; may raise a SourceError."""


class CannotOpenError(Exception):
    """A place cannot be opened as video.

    Args:
        reason: What the library says of it, without the place; empty if it says nothing.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """What to open, and how.

    Attributes:
        place: A path, a URL or a file object.
        name: What the source is called, for messages.
        timeout_s: Longest wait to open, and for each read.
        live: Whether frames are wanted at once; each decoding thread more holds a frame back.
        options: FFmpeg's options of protocols and containers, by their names.
        video: How to decode.
        opener: What opens the place and all that it names; None: the library does.
    """

    place: Place
    name: str
    timeout_s: float
    live: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    video: VideoOptions = field(default_factory=VideoOptions)
    opener: Opener | None = None


class Decoder(Protocol):
    """One open file or connection, used by one thread."""

    @property
    def codec(self) -> str:
        """What the video is encoded with."""

    @property
    def fps(self) -> float:
        """The frame rate that the container states; 0 or nonsense if it states none."""

    @property
    def duration_s(self) -> float | None:
        """How long the recording says it is; None if it does not say, as live streams."""

    @property
    def position_ms(self) -> float:
        """The stated time of the frame last grabbed, from the start; NaN if it has none."""

    @property
    def server_s(self) -> float | None:
        """The server's own time of that frame, which goes on over connections; None without one."""

    @property
    def advice(self) -> str:
        """What may help where a codec cannot be decoded, as a sentence; empty for nothing."""

    @property
    def notice(self) -> str | None:
        """What the decoder does differently from what was asked."""

    def grab(self) -> bool:
        """Go to the next frame; False at the end, or where the library says no more.

        Raises:
            FrameError: The next frame is damaged.
            SourceError: The connection is lost.
        """

    def retrieve(self) -> Pixels:
        """Return the frame last grabbed: uint8 `(height, width, 3)`, BGR.

        Raises:
            FrameError: It cannot be decoded.
        """

    def retrieve_later(self) -> Pixels | Unconverted:
        """Return the same (uint8, BGR), or so that it can become that when it is wanted.

        Raises:
            FrameError: It cannot be decoded.
        """

    def release(self) -> None:
        """Let the file or connection go; twice is fine."""
