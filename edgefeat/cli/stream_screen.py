"""What `edgefeat stream` shows to people: events, a live line, a summary; all on stderr."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edgefeat.messages.progress import TerminalLine

if TYPE_CHECKING:
    from edgefeat.streaming import Event, Health

__all__ = ["Screen"]


class Screen:
    """Events as lines and, on a terminal, the live numbers in one line below them.

    Nothing here waits or fails: see `edgefeat.messages.progress`.

    Args:
        quiet: Show nothing but warnings.
        live: Whether the terminal is free for a live line.
        spell: Turns an option of the library into what the user of the command types.
    """

    def __init__(self, *, quiet: bool, live: bool, spell: Callable[[str], str]) -> None:
        self._quiet, self._spell = quiet, spell
        self._line = TerminalLine(live=live and not quiet)

    def tell(self, event: Event) -> None:
        """Show an event on a line of its own.

        The error that ends a stream is left out: the command ends with it, and shows it then.
        """
        from edgefeat.streaming import EventKind

        if event.kind is EventKind.ENDED and event.error is not None:
            return
        self.note(f"{event.source}: {event.kind.value}: {event.message_for(self._spell)}")

    def warn(self, text: str) -> None:
        """Show a warning, also if all else is quiet."""
        self._line.note(f"edgefeat: {text}")

    def note(self, text: str) -> None:
        """Show what the user should know, on a line of its own."""
        if not self._quiet:
            self.warn(text)

    def draw(self, health: Health) -> None:
        """Draw the live numbers over the last ones."""
        if self._line.live:
            self._line.draw(_summary(health))

    def clear(self) -> None:
        """Take the live line away."""
        self._line.clear()

    def summarise(self, health: Health) -> None:
        """Show what the stream did."""
        self.note(_summary(health))


def _summary(health: Health) -> str:
    parts = [
        health.state,
        f"in {health.fps_in:.1f}/s",
        f"out {health.fps_out:.1f}/s",
        f"{health.emitted} records",
    ]
    for name, count in (
        ("dropped", health.dropped),
        ("skipped", health.skipped_rate + health.skipped_motion + health.skipped_novelty),
        ("damaged", health.garbage),
        ("lost", health.losses),
    ):
        if count:
            parts.append(f"{count} {name}")
    ages = [
        f"{percent} {value:.0f}"
        for percent, value in (
            ("p50", health.latency_p50_ms),
            ("p95", health.latency_p95_ms),
            ("p99", health.latency_p99_ms),
        )
        if value is not None
    ]
    if ages:
        parts.append(f"age {' '.join(ages)} ms")
    if health.cpu_s_per_frame is not None:
        parts.append(f"cpu {health.cpu_s_per_frame * 1000:.1f} ms/frame")
    return "  ".join(parts)
