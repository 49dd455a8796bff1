"""Tells systemd that the program is ready, what it does, and that it is alive (sd_notify).

A unit of `Type=notify` names a socket in the environment; elsewhere nothing happens. With
`WatchdogSec=` a thread says at a third of that time that all is well, as long as it is.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Systemd"]

_SOCKET, _PERIOD, _PROCESS = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_PARTS = 3


class Systemd:
    """The connection to systemd, if there is one.

    Args:
        is_well: Whether the program makes progress; asked from a thread of this object.

    Attributes:
        watchdog_s: After so long without a sign systemd restarts the unit; None: never.
    """

    def __init__(self, is_well: Callable[[], bool]) -> None:
        self._is_well = is_well
        self._place = os.environ.get(_SOCKET, "")
        self.watchdog_s = _watchdog_s() if self._place else None
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def ready(self) -> None:
        """Say that the program is up, and begin to say that it is alive."""
        self._send("READY=1")
        if self.watchdog_s is not None and self._thread is None:
            self._thread = threading.Thread(
                target=self._run, args=(self.watchdog_s,), name="edgefeat watchdog", daemon=True
            )
            self._thread.start()

    def status(self, text: str) -> None:
        """Show a line in `systemctl status`."""
        self._send(f"STATUS={' '.join(text.split())}")

    def stopping(self) -> None:
        """Say that the program ends."""
        self._stopped.set()
        self._send("STOPPING=1")

    def _run(self, watchdog_s: float) -> None:
        while True:
            if self._is_well():
                self._send("WATCHDOG=1")
            if self._stopped.wait(watchdog_s / _PARTS):
                return

    def _send(self, message: str) -> None:
        if not self._place:
            return
        # An abstract socket's name begins with a zero byte, which the variable spells @.
        place = f"\0{self._place[1:]}" if self._place.startswith("@") else self._place
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(message.encode(), place)


def _watchdog_s() -> float | None:
    """Return the time that the unit sets, if it is for this process."""
    period, process = os.environ.get(_PERIOD, ""), os.environ.get(_PROCESS, "")
    if not period.isdecimal() or int(period) == 0 or process not in ("", str(os.getpid())):
        return None
    return int(period) / 1e6
