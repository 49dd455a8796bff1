"""Frames that Python code already has: a list, an iterator, or a function that takes the next one.

Picamera2 (`picam2.capture_array`), ROS callbacks behind a queue, and test cameras enter here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import SourceError
from edgefeat.pictures.decode import ImageInput
from edgefeat.sources.base import FrameError, Grab, Traits

__all__ = ["ArraySource", "CallableSource", "IterableSource"]

Pixels = NDArray[np.uint8]


class ArraySource:
    """Pictures held in memory, each once, in order: the source for tests and small programs."""

    def __init__(self, images: Sequence[ImageInput], *, name: str = "arrays") -> None:
        self.name = name
        self.traits = Traits()
        self._images = images

    def open(self, *, timeout_s: float) -> IteratorReader:
        """Start from the first picture."""
        return IteratorReader(iter(self._images))


class IterableSource:
    """Any iterable of pictures; it may take as long as it likes, and is read through once."""

    def __init__(self, images: Iterable[ImageInput], *, name: str = "iterator") -> None:
        self.name = name
        self.traits = Traits(paced=False)
        self._images: Iterable[ImageInput] | None = images

    def open(self, *, timeout_s: float) -> IteratorReader:
        """Start the iterator.

        Raises:
            SourceError: It was started before.
        """
        if self._images is None:
            raise SourceError(f"{self.name}: an iterator can be read only once. Make a new one.")
        images, self._images = self._images, None
        return IteratorReader(iter(images))


class CallableSource:
    """A function that waits for the next picture of a camera; None means it has ended."""

    def __init__(
        self, take: Callable[[], ImageInput | None], *, name: str = "callable", live: bool = True
    ) -> None:
        self.name = name
        self.traits = Traits(live=live, reopens=live)
        self._take = take

    def open(self, *, timeout_s: float) -> IteratorReader:
        """Start calling."""
        return IteratorReader(self._frames())

    def _frames(self) -> Iterator[ImageInput]:
        while (image := self._take()) is not None:
            yield image


class IteratorReader:
    """Reads an iterator of pictures."""

    notice = None

    def __init__(self, images: Iterator[ImageInput]) -> None:
        self._images = images
        self._image: ImageInput | None = None

    def grab(self) -> Grab | None:
        """Take the next picture."""
        self._image = next(self._images, None)
        return None if self._image is None else Grab()

    def retrieve(self) -> ImageInput:
        """Return it."""
        image, self._image = self._image, None
        if image is None:
            raise FrameError("expected a picture, got None. Grab one first.")
        return image

    def interrupt(self) -> None:
        """Do nothing: Python code that waits cannot be interrupted from outside."""

    def close(self) -> None:
        """Let a generator run its clean-up."""
        close = getattr(self._images, "close", None)
        if callable(close):
            close()
