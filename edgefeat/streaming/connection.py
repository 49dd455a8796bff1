"""One connection to a source: the thread that opens it, reads it, and lets it go.

The thread is told to stop by `abandon` and never waited for without limit: one that hangs inside a
library is left behind, and releases what it holds when the library returns.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections import deque
from dataclasses import dataclass

import numpy as np

from edgefeat.errors import EdgefeatError
from edgefeat.pictures.decode import ImageInput
from edgefeat.pictures.header import HeaderError, read_header
from edgefeat.sources.base import FrameError, Grab, Reader, Source
from edgefeat.streaming.buffer import Buffer, Captured
from edgefeat.streaming.events import EventKind
from edgefeat.streaming.health import Meter
from edgefeat.streaming.selection import Pacer

__all__ = ["Connection", "Link"]


@dataclass(frozen=True, slots=True)
class Link:
    """What all connections of one stream share."""

    source: Source
    buffer: Buffer
    pacer: Pacer
    meter: Meter
    timeout_s: float
    frozen_s: float
    wake: threading.Event
    notes: deque[tuple[EventKind, str]]


class Connection:
    """Reads one connection until it ends, breaks or is abandoned.

    Attributes:
        frames: Good frames so far.
        silent_since: Since when a good frame is waited for; None while the buffer has no room.
        attention: Set by the supervisor to be woken at the next good frame.
        finished: Whether the thread is done with the source.
        error: What ended it; None at the regular end.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self.frames = 0
        self.silent_since: float | None = time.monotonic()
        self.attention = True
        self.finished = False
        self.error: BaseException | None = None
        self._abandoned = threading.Event()
        self._reader: Reader | None = None
        self._look = _Look(link) if link.source.traits.live else None
        self._in_garbage = False
        self._thread = threading.Thread(target=self._run, name="edgefeat capture", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def abandon(self) -> None:
        """Take no more frames from it; it is closed as soon as it lets itself be."""
        self._abandoned.set()
        reader = self._reader
        if reader is not None:
            reader.interrupt()

    def join(self, timeout_s: float) -> None:
        """Wait a little for the thread to end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            reader = self._link.source.open(timeout_s=self._link.timeout_s)
            try:
                self._reader = reader
                if reader.notice is not None:
                    self._note(EventKind.NOTICE, reader.notice)
                self.silent_since = time.monotonic()
                while not self._abandoned.is_set() and self._read(reader):
                    pass
            finally:
                self._reader = None
                reader.close()
        # Whatever a user's iterator raises ends the stream and is raised in the user's own thread.
        except BaseException as error:  # noqa: BLE001
            self.error = error
        finally:
            self.finished = True
            self._link.wake.set()

    def _read(self, reader: Reader) -> bool:
        """Read one frame; False at the end."""
        meter = self._link.meter
        try:
            grab = reader.grab()
        except FrameError as error:
            meter.captured += 1
            self._garbage(error, None)
            return True
        if grab is None or self._abandoned.is_set():
            return False
        index = meter.captured
        meter.captured += 1
        if not self._link.pacer.wants(grab):
            self._good()
            return True
        try:
            image = reader.retrieve()
            if self._look is not None:
                self._look.at(image)
        except FrameError as error:
            self._garbage(error, grab)
            return True
        self.silent_since = None
        self._link.buffer.put(Captured(index, grab, image))
        self._good()
        return True

    def _good(self) -> None:
        self.frames += 1
        self._in_garbage = False
        self.silent_since = time.monotonic()
        if self.attention:
            self.attention = False
            self._link.wake.set()

    def _garbage(self, error: EdgefeatError, grab: Grab | None) -> None:
        self._link.meter.garbage += 1
        if not self._in_garbage or (grab is not None and grab.name):
            self._note(EventKind.GARBAGE, str(error))  # a run of them is told once
        self._in_garbage = True

    def _note(self, kind: EventKind, message: str) -> None:
        self._link.notes.append((kind, message))
        self._link.wake.set()


class _Look:
    """Notices a new size, and a picture that stays the very same."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._size_hw: tuple[int, int] | None = None
        self._sum = -1
        self._same_since = time.monotonic()
        self._frozen = False

    def at(self, image: ImageInput) -> None:
        size_hw, checksum = _facts(image)
        if size_hw != self._size_hw:
            if self._size_hw is not None:
                self._note(EventKind.RESIZED, f"{_show(self._size_hw)} became {_show(size_hw)}")
            self._size_hw = size_hw
        now = time.monotonic()
        if checksum != self._sum:
            self._sum, self._same_since = checksum, now
            if self._frozen:
                self._frozen = False
                self._note(EventKind.RECOVERED, "the picture changes again")
        elif not self._frozen and now - self._same_since >= self._link.frozen_s:
            self._frozen = True
            self._note(EventKind.FROZEN, f"the very same picture for {self._link.frozen_s:g} s")

    def _note(self, kind: EventKind, message: str) -> None:
        self._link.notes.append((kind, message))
        self._link.wake.set()


def _facts(image: ImageInput) -> tuple[tuple[int, int] | None, int]:
    """Return a frame's size and a checksum of (a sample of) it.

    Raises:
        FrameError: Encoded bytes without a sound header or end.
    """
    if isinstance(image, np.ndarray):
        return (image.shape[0], image.shape[1]), zlib.crc32(image[::16, ::16].tobytes())
    if isinstance(image, bytes | bytearray | memoryview):
        try:
            header = read_header(bytes(image))
        except HeaderError as error:
            raise FrameError(f"a frame of {len(image)} bytes: {error}.") from None
        return (header.height, header.width), zlib.crc32(image)
    return None, -1


def _show(size_hw: tuple[int, int] | None) -> str:
    return "unknown" if size_hw is None else f"{size_hw[1]}x{size_hw[0]}"
