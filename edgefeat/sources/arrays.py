"""Frames that Python code already has: a list, an iterator, or a function that takes the next one.

Picamera2 (`picam2.capture_array`), ROS callbacks behind a queue, and test cameras enter here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TypeAlias

import numpy as np

from edgefeat.errors import OptionError, SourceError
from edgefeat.messages.redact import redact
from edgefeat.model.spec import Colour
from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.sources.base import FrameError, Grab, OpenReader, Traits, nothing_grabbed

__all__ = ["ArraySource", "CallableSource", "IterableSource", "Take"]

Take: TypeAlias = "Callable[[], ImageInput | None]"
# A camera can be made anew while an old one hangs; each that hangs holds a thread.
_MOST_HELD = 2


class ArraySource:
    """Pictures held in memory, each once, in order: the source for tests and small programs.

    Args:
        images: The pictures.
        name: What the source is called.
        colour: Channel order of arrays among the pictures.
    """

    def __init__(
        self,
        images: Sequence[ImageInput],
        *,
        name: str = "arrays",
        colour: Colour = Colour.BGR,
    ) -> None:
        self.name = name
        self.traits = Traits(timed=False)
        self._images, self._colour = images, colour

    def open(self, *, timeout_s: float) -> IteratorReader:
        """Start from the first picture."""
        return IteratorReader(iter(self._images), name=self.name, colour=self._colour)


class IterableSource:
    """Any iterable of pictures; it may take as long as it likes, and is read through once.

    Args:
        images: The pictures.
        name: What the source is called.
        colour: Channel order of arrays among the pictures.
    """

    def __init__(
        self,
        images: Iterable[ImageInput],
        *,
        name: str = "iterator",
        colour: Colour = Colour.BGR,
    ) -> None:
        self.name = name
        self.traits = Traits(paced=False, timed=False)
        self._images: Iterable[ImageInput] | None = images
        self._colour = colour

    def open(self, *, timeout_s: float) -> IteratorReader:
        """Start the iterator.

        Raises:
            SourceError: It was started before.
        """
        if self._images is None:
            raise SourceError(
                "an iterator can be read only once", where=self.name, remedy="Make a new one."
            )
        images, self._images = self._images, None
        return IteratorReader(iter(images), name=self.name, colour=self._colour)


class CallableSource:
    """A function that waits for the next picture of a camera; None means it has ended.

    The function is never called again while a call of it is still out: a call that hangs is a
    loss, and the attempts to reconnect fail until it has come back.

        @contextmanager
        def camera():
            with Picamera2() as device:
                device.start()
                yield device.capture_array

        edgefeat.stream(CallableSource(open=camera, retry_on=(RuntimeError,)))

    Args:
        take: The function.
        open: Makes the camera anew for each connection: a function whose context manager gives
            `take`. Then a hung camera can be replaced; at most two are held at a time.
        name: What the source is called.
        live: Whether the frames come at their own pace; if not, the function is read as a file.
        colour: Channel order of arrays that the function returns.
        retry_on: What the function raises if its camera is lost. Such an exception is a loss, and
            the source is opened again; any other ends the stream.

    Raises:
        OptionError: Neither `take` nor `open` is given, or both are.
    """

    def __init__(
        self,
        take: Take | None = None,
        *,
        open: Callable[[], AbstractContextManager[Take]] | None = None,  # noqa: A002
        name: str = "callable",
        live: bool = True,
        colour: Colour = Colour.BGR,
        retry_on: tuple[type[Exception], ...] = (),
    ) -> None:
        if take is not None and open is None:
            self._make: Callable[[], AbstractContextManager[Take]] = lambda: nullcontext(take)
        elif take is None and open is not None:
            self._make = open
        else:
            given = "neither" if take is None else "both"
            raise OptionError(f"expected either this or `take`, got {given}", option="open")
        self.name = name
        self.traits = Traits(live=live, reopens=live, timed=live)
        self._most_held = _MOST_HELD if take is None else 1
        self._colour, self._retry_on = colour, retry_on
        self._held = 0
        self._counting = threading.Lock()

    def open(self, *, timeout_s: float) -> IteratorReader:
        """Start calling.

        Raises:
            SourceError: By the first `grab`: a call of the function has not come back yet.
        """
        return IteratorReader(self._frames(), name=self.name, colour=self._colour)

    def _frames(self) -> Iterator[ImageInput]:
        with self._counting:
            if self._held >= self._most_held:
                raise SourceError(
                    "the camera function hangs: an earlier call has not come back",
                    where=self.name,
                    remedy="It is called again once that call is over.",
                )
            self._held += 1
        try:
            with self._make() as take:
                while (image := take()) is not None:
                    yield image
        except self._retry_on as error:
            what = f"the camera function failed: {type(error).__name__}: {redact(str(error))}"
            raise SourceError(what, where=self.name) from error
        finally:
            with self._counting:
                self._held -= 1


class IteratorReader(OpenReader):
    """Reads an iterator of pictures.

    Args:
        images: The pictures.
        name: What the source is called, for messages.
        colour: Channel order of arrays among the pictures.
    """

    def __init__(self, images: Iterator[ImageInput], *, name: str, colour: Colour) -> None:
        self._images, self._name, self._colour = images, name, colour
        self._grabbed: list[ImageInput] = []  # the picture last grabbed, until it is retrieved

    def grab(self) -> Grab | None:
        """Take the next picture."""
        self._grabbed = list(islice(self._images, 1))
        return Grab() if self._grabbed else None

    def retrieve(self) -> ImageInput:
        """Return the picture last grabbed; an array in BGR order."""
        if not self._grabbed:
            raise nothing_grabbed(self._name)
        image = self._grabbed.pop()
        if image is None:
            raise FrameError(
                "expected a picture, got None",
                where=self._name,
                remedy="cv2.imread returns None where it cannot read the file: give its path.",
            )
        if self._colour is Colour.BGR or not isinstance(image, np.ndarray):
            return image
        return load_bgr(image, colour=self._colour)

    def close(self) -> None:
        """Let a generator run its clean-up."""
        close = getattr(self._images, "close", None)
        if callable(close):
            close()
