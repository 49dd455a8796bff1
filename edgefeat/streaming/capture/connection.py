"""One connection to a source: the thread that opens it, reads it, and lets it go.

The thread is told to stop by `abandon` and never waited for without limit: one that hangs inside a
library is left behind, and releases what it holds when the library returns.
"""

from __future__ import annotations

import atexit
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import (
    ConvertsLater,
    FrameError,
    Grab,
    OpenReader,
    Reader,
    Source,
    Unconverted,
)
from edgefeat.streaming.applicable import no_times
from edgefeat.streaming.capture.intake import Permit
from edgefeat.streaming.capture.look import PictureWatch
from edgefeat.streaming.events import EventKind

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["CAMERA_THREAD", "Connection", "left_behind"]

CAMERA_THREAD = "edgefeat camera"
"""How the names of threads begin that work on the frames of one camera of several."""

# A backend keeps its own time limit, and may take a little longer.
_PATIENCE_S = 0.5


class Connection:
    """Reads one connection until it ends, breaks or is abandoned.

    Args:
        source: What to open.
        permit: The only way to the stream; it ends with this connection.
        timeout_s: Longest wait to connect and for a frame.
        frozen_s: How long a live picture may stay the very same before that is told.

    Attributes:
        frames: Good frames so far.
        silent_since: Since when a good frame is waited for; None while the buffer has no room.
        attention: Set by the supervisor to be woken at the next good frame.
        finished: Whether the thread is done with the source.
        error: What ended the connection; None at the regular end.
        traits: How the source behaves; opening it may show more.
    """

    def __init__(
        self, source: Source, permit: Permit, *, timeout_s: float, frozen_s: float
    ) -> None:
        self._source, self._permit, self._timeout_s = source, permit, timeout_s
        self.frames = 0
        self.silent_since: float | None = time.monotonic()
        self.attention = True
        self.finished = False
        self.error: BaseException | None = None
        self._reader: Reader | None = None
        self.traits = source.traits
        self._look = PictureWatch(permit.note, frozen_s)
        self._in_garbage = False
        self._told: str | None = None
        self._thread = threading.Thread(target=self._run, name="edgefeat capture", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        _running.add(self)
        self._thread.start()

    def abandon(self) -> None:
        """Take no more frames from it; it is closed as soon as it lets itself be."""
        self._permit.revoke()
        reader = self._reader
        if reader is not None:
            reader.interrupt()

    def join(self, timeout_s: float) -> None:
        """Wait a little for the thread to end."""
        self._thread.join(timeout_s)

    @property
    def longest_wait_s(self) -> float:
        """How long its thread may hang in a library that keeps its time limit."""
        return self._timeout_s + _PATIENCE_S

    def _run(self) -> None:
        try:
            with closing(self._source.open(timeout_s=self._timeout_s)) as reader:
                self._reader = reader
                self._tell_notice(reader)
                if isinstance(reader, OpenReader):
                    self._settle(reader)
                self.silent_since = time.monotonic()
                try:
                    while self._permit.valid and self._read(reader):
                        pass
                finally:
                    self._reader = None
        # Whatever a user's iterator raises ends the stream and is raised in the user's own thread.
        except BaseException as error:  # noqa: BLE001
            self.error = error
        finally:
            self.finished = True
            _running.discard(self)
            self._permit.wake()

    def _read(self, reader: Reader) -> bool:
        """Read one frame; False at the end."""
        try:
            grab = reader.grab()
        except FrameError as error:
            self._garbage(error, None)
            return True
        if grab is None:
            return False
        self._tell_notice(reader)
        index = self._permit.count(grab)
        if index is None:
            if grab.unchanged:
                self._look.at_the_same()
            self._good()
            return True
        try:
            image = self._retrieved(reader)
            if self.traits.live:
                self._look.at(image, where=self._source.name)
            elif isinstance(reader, OpenReader) and reader.has_one_size:
                self._look.at_size(_size_hw(image))
        except FrameError as error:
            self._garbage(error, grab)
            return True
        self.silent_since = None
        self._permit.put(index, grab, image)
        self._good()
        return True

    def _retrieved(self, reader: Reader) -> ImageInput | Unconverted:
        return reader.retrieve_later() if isinstance(reader, ConvertsLater) else reader.retrieve()

    def _settle(self, reader: OpenReader) -> None:
        """Take over what opening showed.

        Raises:
            SourceError: A rate is to be kept by times that cannot be trusted.
        """
        self.traits = reader.traits or self._source.traits
        self._permit.settle(self.traits)
        reader.set_rate(self._permit.fps)
        if self._permit.needs_times and not reader.states_times():
            raise no_times(self._source.name)

    def _tell_notice(self, reader: Reader) -> None:
        if reader.notice is not None and reader.notice != self._told:
            self._told = reader.notice
            self._permit.note(EventKind.NOTICE, reader.notice)

    def _good(self) -> None:
        self.frames += 1
        self._in_garbage = False
        self.silent_since = time.monotonic()
        if self.attention:
            self.attention = False
            self._permit.wake()

    def _garbage(self, error: FrameError, grab: Grab | None) -> None:
        # A run of damaged frames is told once, unless they have names.
        told = not self._in_garbage or (grab is not None and grab.name is not None)
        self._permit.refuse(error, counted=grab is not None, told=told)
        self._in_garbage = True


def _size_hw(image: ImageInput | Unconverted) -> SizeHw | None:
    if isinstance(image, Unconverted):
        return image.size_hw
    return (image.shape[0], image.shape[1]) if isinstance(image, np.ndarray) else None


_running: set[Connection] = set()


def left_behind() -> bool:
    """Return whether a thread of any stream still runs, such as one that hangs in a library."""
    at_work = (one.name.startswith(CAMERA_THREAD) for one in threading.enumerate())
    return bool(_running) or any(at_work)


def _wait_for_threads() -> None:
    """Wait at the interpreter's exit for threads that hang in native code.

    One that came back from C++ while the interpreter ends would abort the process. Waiting is
    bounded by the time limit of each connection.
    """
    running = list(_running)
    for connection in running:
        connection.abandon()
    started = time.monotonic()
    for connection in running:
        connection.join(max(0.0, started + connection.longest_wait_s - time.monotonic()))


atexit.register(_wait_for_threads)
