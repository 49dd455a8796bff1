"""One line on a terminal that says how far long work is; nothing where there is no terminal."""

from __future__ import annotations

import shutil
import sys
import time
from types import TracebackType
from typing import Self, TextIO

__all__ = ["Progress"]

_REDRAW_EVERY_S = 0.1
_BAR = 24


class Progress:
    """A progress bar: count, share, rate, time left and failures.

    Args:
        total: How many items there are.
        label: What they are, such as "photos".
        stream: Where to draw; stderr by default, so that stdout stays data.
        enabled: None draws only on a terminal.
    """

    def __init__(
        self, total: int, label: str, *, stream: TextIO | None = None, enabled: bool | None = None
    ) -> None:
        self._total, self._label = total, label
        self._stream = sys.stderr if stream is None else stream
        self._enabled = self._stream.isatty() if enabled is None else enabled
        self._started = time.monotonic()
        self._drawn_at = float("-inf")
        self._done = self._failed = 0

    def advance(self, *, failed: bool = False) -> None:
        """Count one item."""
        self._done += 1
        self._failed += failed
        now = time.monotonic()
        if self._enabled and (now - self._drawn_at >= _REDRAW_EVERY_S or self._done == self._total):
            self._drawn_at = now
            self._draw(now)

    def note(self, line: str) -> None:
        """Write a line of its own above the bar."""
        self._clear()
        self._stream.write(line + "\n")
        self._stream.flush()
        self._drawn_at = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clear()
        self._stream.flush()

    def _clear(self) -> None:
        if self._enabled:
            self._stream.write("\r\x1b[K")

    def _draw(self, now: float) -> None:
        elapsed = max(now - self._started, 1e-9)
        rate = self._done / elapsed
        filled = _BAR * self._done // max(self._total, 1)
        left_s = (self._total - self._done) / rate
        text = (
            f"{self._label} [{'#' * filled}{'.' * (_BAR - filled)}] {self._done}/{self._total}"
            f"  {rate:.1f}/s  {_clock(left_s)} left"
        )
        if self._failed:
            text += f"  {self._failed} failed"
        width = shutil.get_terminal_size().columns - 1
        self._stream.write("\r\x1b[K" + text[:width])
        self._stream.flush()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
