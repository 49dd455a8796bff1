"""Ends long work in good order when the user or the system asks for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["stop_on_signals"]

# A stop may take a second. What is stuck by then, as in a pipe that nobody reads, is broken off.
_PATIENCE_S = 0.9
_ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_on_signals(
    stop: Callable[[], None], *, reload: Callable[[], None] | None = None
) -> Iterator[None]:
    """Call `stop` on Ctrl-C, SIGTERM or SIGHUP; a second one breaks off with KeyboardInterrupt.

    SIGHUP comes when a terminal or an ssh connection is closed. Under `nohup` it stays ignored.

    Args:
        stop: Makes the work end soon; must be safe to call from a signal handler, as `reload`.
        reload: Called on SIGHUP in the place of `stop`, unless the terminal was closed.
    """
    has_terminal = _has_terminal()
    asking = [name for name in _ASKING if signal.getsignal(name) is not signal.SIG_IGN]

    def ask(number: int, frame: FrameType | None) -> None:
        hung_up = number == signal.SIGHUP and has_terminal and not _has_terminal()
        if number == signal.SIGHUP and reload is not None and not hung_up:
            reload()
            return
        for name in asking:
            signal.signal(name, signal.default_int_handler)
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S)
        stop()

    before = {name: signal.signal(name, ask) for name in asking}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for name, handler in before.items():
            signal.signal(name, handler)


def _has_terminal() -> bool:
    """Return whether the process can be reached from a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
