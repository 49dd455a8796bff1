"""One line on a terminal that says how far long work is; nothing where there is no terminal."""

from __future__ import annotations

import shutil
import sys
import time
from _thread import allocate_lock
from typing import Self

from edgefeat.messages.say import say

__all__ = ["Progress", "TerminalLine", "clock"]

_CLEAR = "\r\x1b[K"
_REDRAW_EVERY_S = 0.1
_BAR_CHARACTERS = 24
_FIRST_GUESS_S = 3.0  # before that, the time left would be guessed ten times too long
_PATIENCE_S = 60.0  # for whoever reads which items failed


class TerminalLine:
    """Shows on stderr how far long work is; several threads may use it.

    Nothing here fails. A line of its own that stderr does not take is left out, and how many were
    is said as soon as stderr takes lines again.

    Args:
        live: Whether to draw the line at all; without a terminal it never is.
        patience_s: How long a line of its own waits until stderr takes it.
    """

    def __init__(self, *, live: bool = True, patience_s: float = 0.0) -> None:
        self.live = live and sys.stderr is not None and sys.stderr.isatty()
        self._patience_s = patience_s
        self._lock = allocate_lock()
        self._shown = ""
        self._left_out = 0

    def draw(self, text: str) -> None:
        """Draw the line over the last one, cut at the width of the terminal."""
        if not self.live:
            return
        text = text[: shutil.get_terminal_size().columns - 1]
        with self._lock:
            if text != self._shown:
                say(_CLEAR + text)
                self._shown = text

    def clear(self) -> None:
        """Take the line away."""
        self.draw("")

    def note(self, text: str) -> None:
        """Show a line of its own in the place of the drawn one, which the next `draw` restores."""
        with self._lock:
            clear = _CLEAR if self.live else ""
            missing = f"edgefeat: {self._left_out} lines are missing here\n"
            whole = f"{clear}{missing if self._left_out else ''}{text}\n"
            said = say(whole, patience_s=self._patience_s)
            self._left_out = 0 if said else self._left_out + 1
            self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()


class Progress:
    """A progress bar: count, share, rate, time left and failures.

    Args:
        total: How many items there are.
        label: What they are, such as "photos".
        live: Whether to draw the bar; without a terminal it never is.
        before: How many of them an earlier run has done.
    """

    def __init__(self, total: int, label: str, *, live: bool = True, before: int = 0) -> None:
        self._total, self._label, self._before = total, label, before
        self._line = TerminalLine(live=live, patience_s=_PATIENCE_S)
        self._started_s = time.monotonic()
        self._drawn_at_s = float("-inf")
        self._done, self._failed = before, 0

    def advance(self, *, failed: bool = False) -> None:
        """Count one item."""
        self._done += 1
        self._failed += failed
        now_s = time.monotonic()
        if now_s - self._drawn_at_s >= _REDRAW_EVERY_S or self._done == self._total:
            self._drawn_at_s = now_s
            self._line.draw(self._text(now_s))

    def note(self, text: str) -> None:
        """Show a line of its own above the bar."""
        self._line.note(text)
        self._drawn_at_s = float("-inf")

    def close(self) -> None:
        """Take the bar away; closing twice is fine."""
        self._line.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _text(self, now_s: float) -> str:
        seconds = now_s - self._started_s
        rate_per_s = (self._done - self._before) / max(seconds, 1e-9)
        filled = _BAR_CHARACTERS * self._done // max(self._total, 1)
        left_s = (self._total - self._done) / rate_per_s
        text = (
            f"{self._label} [{'#' * filled}{'.' * (_BAR_CHARACTERS - filled)}] "
            f"{self._done}/{self._total}  {rate_per_s:.1f}/s"
        )
        if seconds >= _FIRST_GUESS_S or self._done == self._total:
            text = f"{text}  {clock(left_s)} left"
        return f"{text}  {self._failed} failed" if self._failed else text


def clock(seconds: float) -> str:
    """Return a time as people read it: `3:07`, or `2:03:07` with hours."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
