"""One camera of a group: its stream, and the thread that reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from edgefeat.errors import EdgefeatError, SourceError
from edgefeat.messages.redact import redact
from edgefeat.streaming.capture.connection import CAMERA_THREAD
from edgefeat.streaming.events import Event, EventKind
from edgefeat.streaming.names import Names
from edgefeat.streaming.result import Extractor
from edgefeat.streaming.several.camera import NamedCamera
from edgefeat.streaming.stream import Stream

__all__ = ["CameraStream", "Consume"]

Consume: TypeAlias = Callable[[str, Stream], None]


class CameraStream(Stream):
    """A camera's stream, read in a thread of its own.

    Args:
        named: The camera.
        extractor: What makes features, unless the camera has its own.
        turns: What it shares with the other cameras.
        device: What the device is called.
        heard: Called with each event, in any thread; it must not wait.
        over: Called once, in the camera's thread, after its last record.

    Attributes:
        named: The camera.
        failure: What ended it; None at a regular end, and before.
        is_over: Whether its thread is done.
    """

    def __init__(
        self,
        named: NamedCamera,
        extractor: Extractor,
        turns: AbstractContextManager[object],
        *,
        device: str,
        heard: Callable[[Event], None],
        over: Callable[[CameraStream], None],
    ) -> None:
        self.named, self._heard, self._over = named, heard, over
        self.failure: EdgefeatError | None = None
        self.is_over = False
        self._told_end: EdgefeatError | None = None
        self._thread: threading.Thread | None = None
        super().__init__(
            named.source,
            named.camera.extractor or extractor,
            policy=named.camera.policy,
            selection=named.camera.selection,
            limits=named.camera.limits,
            names=Names(device=device, camera=named.name, source=named.name),
            turns=turns,
        )

    @property
    def busy_since(self) -> float | None:
        """`time.monotonic()` when it took the frame that it works on; None while it waits."""
        return self._meter.busy_since

    @property
    def worked_at(self) -> float:
        """`time.monotonic()` when it was last done with a frame, or was made."""
        return self._meter.worked_at

    def begin(self, consume: Consume) -> None:
        """Start the thread.

        Args:
            consume: Called there with the camera's name and stream, to read it to its end.
        """
        self._thread = threading.Thread(
            target=self._read,
            args=(consume,),
            name=f"{CAMERA_THREAD} {self.named.name}",
            daemon=True,
        )
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; return whether it has ended."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _read(self, consume: Consume) -> None:
        try:
            consume(self.named.name, self)
        except EdgefeatError as error:
            self.failure = error
        # One camera's end, however bad, is not the end of the others.
        except BaseException as error:  # noqa: BLE001
            shown = (type(error), error, error.__traceback__, threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(shown))
            problem = f"{type(error).__name__}: {redact(str(error))}"
            self.failure = SourceError(problem, where=self.named.name)
        finally:
            self.close()
            if self.failure is not None and self.failure is not self._told_end:
                self._tell(Event(kind=EventKind.ENDED, source=self.source, error=self.failure))
            self.is_over = True
            self._over(self)

    def _tell(self, event: Event) -> None:
        event = self._names.renamed(event, self.named.source.name)
        super()._tell(event)
        if event.kind is EventKind.ENDED:
            self._told_end = event.error
        self._heard(event)
