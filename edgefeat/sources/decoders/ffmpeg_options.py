"""Gives options to OpenCV's FFmpeg, which takes them only from the environment of the process.

OpenCV reads the variable each time that it opens something. So two opens that want different
options wait for each other, and opens that want the same go on side by side.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from edgefeat.errors import SourceError

__all__ = ["ffmpeg_options"]

_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_DEFAULTS = {"rtsp_transport": "tcp"}  # what OpenCV takes if the variable is not set


class _Turn:
    """Who is opening: any number, as long as they want the same."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._opening = 0
        self._options = ""

    @contextmanager
    def with_options(self, options: str, timeout_s: float) -> Iterator[bool]:
        """Wait until these options are set; false if others were still opening after a while."""
        with self._changed:
            free = self._changed.wait_for(
                lambda: self._opening == 0 or self._options == options, timeout_s
            )
            if free:
                self._opening += 1
                self._options = options
                os.environ[_VARIABLE] = options
        try:
            yield free
        finally:
            if free:
                with self._changed:
                    self._opening -= 1
                    self._changed.notify_all()


_turn = _Turn()
_of_the_user = os.environ.get(_VARIABLE, "")


@contextmanager
def ffmpeg_options(options: Mapping[str, str], *, name: str, timeout_s: float) -> Iterator[None]:
    """Set options for what is opened inside the block.

    What the user put into the variable before the program began is kept, unless an option here
    has the same name.

    Args:
        options: By FFmpeg's names; those that a protocol does not know are ignored.
        name: What the source is called, for messages.
        timeout_s: Longest wait for others that are being opened.

    Raises:
        SourceError: Others are still being opened.
    """
    users = (pair.partition(";") for pair in _of_the_user.split("|") if pair)
    all_options = _DEFAULTS | {key: value for key, _, value in users} | dict(options)
    text = "|".join(f"{key};{value}" for key, value in all_options.items())
    with _turn.with_options(text, timeout_s) as free:
        if not free:
            raise SourceError(f"other cameras were being opened for {timeout_s:g} s", where=name)
        yield
