"""Gives options to OpenCV's FFmpeg, which takes them only from the environment of the process.

OpenCV reads its variables each time that it opens something, as the first thing it does. So two
opens that want different options wait for each other for a moment, and opens that want the same go
on side by side.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from edgefeat.errors import SourceError

__all__ = ["ffmpeg_options"]

_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
# Else OpenCV opens one place at a time, as FFmpeg before 4.0 needed: while a camera that is away is
# being opened, for seconds, no other one could be opened or closed.
_AT_ONCE = "OPENCV_FFMPEG_IS_THREAD_SAFE"
# By then OpenCV has read the variable; where it has not, on a machine that stands still, an open
# fails and is tried again.
_READ_S = 0.5
_DEFAULTS = {"rtsp_transport": "tcp"}  # what OpenCV takes if the variable is not set


class _Turn:
    """Who is opening: any number, as long as they want the same or began a while ago."""

    def __init__(self) -> None:
        self._line = threading.Lock()  # whoever waits for a change is not overtaken
        self._changed = threading.Condition()
        self._began: list[float] = []
        self._options = ""

    @contextmanager
    def with_options(self, options: str, timeout_s: float) -> Iterator[bool]:
        """Wait until these options are set; false if others were still opening after a while."""
        began = None
        if self._line.acquire(timeout=timeout_s):
            try:
                began = self._begin(options, time.monotonic() + timeout_s)
            finally:
                self._line.release()
        try:
            yield began is not None
        finally:
            if began is not None:
                self._end(began)

    def _begin(self, options: str, deadline: float) -> float | None:
        with self._changed:
            while self._options != options and (wait_s := self._unread_s()) > 0:
                if time.monotonic() >= deadline:
                    return None
                self._changed.wait(wait_s)
            began = time.monotonic()
            self._began.append(began)
            self._options = os.environ[_VARIABLE] = options
            os.environ[_AT_ONCE] = "1"
            return began

    def _end(self, began: float) -> None:
        with self._changed:
            self._began.remove(began)
            if self._unread_s() <= 0:
                self._options = ""
                _give_back()
            self._changed.notify_all()

    def _unread_s(self) -> float:
        """Return for how long an open may still not have read its options."""
        return max(self._began) + _READ_S - time.monotonic() if self._began else 0.0


def _give_back() -> None:
    """Leave the variables to the program's own opens, as they were."""
    for name, value in _of_the_user.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


_turn = _Turn()
_of_the_user = {name: os.environ.get(name) for name in (_VARIABLE, _AT_ONCE)}


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
    users = (pair.partition(";") for pair in (_of_the_user[_VARIABLE] or "").split("|") if pair)
    all_options = _DEFAULTS | {key: value for key, _, value in users} | dict(options)
    text = "|".join(f"{key};{value}" for key, value in all_options.items())
    with _turn.with_options(text, timeout_s) as free:
        if not free:
            raise SourceError(f"other cameras were being opened for {timeout_s:g} s", where=name)
        yield
