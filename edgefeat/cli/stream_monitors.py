"""What watches `edgefeat stream` from outside: a health file, Prometheus, systemd."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edgefeat.cli.stream_screen import Screen, group_state
from edgefeat.errors import SinkError
from edgefeat.host.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgefeat.streaming import Event, GroupHealth, Health

__all__ = ["Monitors"]

_WELL_SHARE = 0.5  # share of the watchdog's time, for one frame from inference to the output


class Monitors:
    """Opens what the options ask for; leaving it closes them.

    Args:
        arguments: The command line, which has `health` and `metrics`.
        screen: Where troubles are told.

    Raises:
        OptionError: The address of the metrics is none.
        SinkError: The place of the health file cannot be written to.
    """

    def __init__(self, arguments: argparse.Namespace, screen: Screen) -> None:
        self._screen = screen
        self._address = _address(arguments.metrics)
        self._health_file = _health_file(arguments.health, screen)
        self._systemd = Systemd(self._is_well)
        self._stuck_s: Callable[[], float] | None = None
        self._held = ExitStack()

    def tell(self, event: Event) -> None:
        """Show an event."""
        self._screen.tell(event)
        self._systemd.status(f"{event.source}: {event.kind.value}: {event.message}")

    def report(self, health: Health | GroupHealth) -> None:
        """Show live numbers."""
        if self._health_file is not None:
            self._health_file(health)
        self._screen.draw(health)

    def report_group(self, health: GroupHealth) -> None:
        """Show the live numbers of several cameras, and in systemd's status how many stream."""
        self.report(health)
        self._systemd.status(group_state(health))

    def watch(
        self, health: Callable[[], Health | GroupHealth], stuck_s: Callable[[], float]
    ) -> None:
        """Begin to answer for what is about to start.

        Args:
            health: Gives the live numbers.
            stuck_s: Gives for how many seconds there has been work, and none has been done.

        Raises:
            SinkError: The address of the metrics cannot be listened on.
        """
        self._stuck_s = stuck_s
        if self._address is not None:
            from edgefeat.streaming.metrics import MetricsServer

            server = MetricsServer(self._address, health)
            self._held.enter_context(server)
            host, port = server.address
            self._screen.note(f"metrics at http://{host}:{port}/metrics")
        self._held.callback(self._systemd.stopping)
        self._systemd.ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _is_well(self) -> bool:
        """Return whether work goes on: a lost camera is no reason for a restart.

        Of several cameras one that is stuck is none either: a restart would stop the others.
        """
        if self._stuck_s is None or self._systemd.watchdog_s is None:
            return True
        return self._stuck_s() < _WELL_SHARE * self._systemd.watchdog_s


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    from edgefeat.streaming.metrics import address_of

    return address_of(text)


def _health_file(
    path: Path | None, screen: Screen
) -> Callable[[Health | GroupHealth], None] | None:
    """Return what writes live numbers to a file, and tells once where that fails."""
    if path is None:
        return None
    from edgefeat.streaming import health_file

    write = health_file(path)
    failing = False

    def write_or_tell(health: Health | GroupHealth) -> None:
        nonlocal failing
        try:
            write(health)
        except SinkError as error:
            if not failing:
                screen.warn(f"{error} The stream goes on, and tries again each second.")
            failing = True
        else:
            failing = False

    return write_or_tell
