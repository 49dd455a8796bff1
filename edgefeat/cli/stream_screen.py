"""What `edgefeat stream` shows to people: events, a live line, a summary; all on stderr."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edgefeat.messages.counts import counted
from edgefeat.messages.progress import TerminalLine

if TYPE_CHECKING:
    from edgefeat.streaming import Event, GroupHealth, Health

__all__ = ["Screen", "group_state", "written"]


class Screen:
    """Events as lines and, on a terminal, the live numbers in one line below them.

    Nothing here waits or fails: see `edgefeat.messages.progress`.

    Args:
        quiet: Show nothing but warnings.
        live: Whether the terminal is free for a live line.
        spell: Turns an option of the library into what the user of the command types.
        several: Whether the command goes on after the error that ends one stream.
    """

    def __init__(
        self, *, quiet: bool, live: bool, spell: Callable[[str], str], several: bool = False
    ) -> None:
        self._quiet, self._spell, self._several = quiet, spell, several
        self._line = TerminalLine(live=live and not quiet)

    def tell(self, event: Event) -> None:
        """Show an event on a line of its own.

        The error that ends the only stream is left out: the command ends with it, and shows it
        then. Of several cameras it is shown also if all else is quiet.
        """
        from edgefeat.streaming import EventKind

        text = f"{event.source}: {event.kind.value}: {event.message_for(self._spell)}"
        if event.kind is not EventKind.ENDED or event.error is None:
            self.note(text)
        elif self._several:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Show a warning, also if all else is quiet."""
        self._line.note(f"edgefeat: {text}")

    def note(self, text: str) -> None:
        """Show what the user should know, on a line of its own."""
        if not self._quiet:
            self.warn(text)

    def draw(self, health: Health | GroupHealth) -> None:
        """Draw the live numbers over the last ones."""
        if self._line.live:
            self._line.draw(_line(health))

    def clear(self) -> None:
        """Take the live line away."""
        self._line.clear()

    def summarise(self, health: Health | GroupHealth) -> None:
        """Show what the stream did, or each of several cameras."""
        from edgefeat.streaming import Health

        if isinstance(health, Health):
            self.note(_summary(health))
            return
        for name, one in health.cameras.items():
            self.note(f"{name}: {_summary(one)}")


def written(rows: int, resumed: int, dim: int, output: str) -> str:
    """Say what stands in an output, whatever ended the stream.

    Args:
        rows: Records in it.
        resumed: Records among them that were there before.
        dim: How many numbers each has.
        output: What it is called.
    """
    if not rows:
        return f"no record came: nothing written to {output}"
    before = f", {resumed} of them there before" if resumed else ""
    return f"{rows} x {dim} features in {output}{before}"


def group_state(health: GroupHealth) -> str:
    """Say in one line how several cameras are doing."""
    parts = [f"{health.streaming} of {len(health.cameras)} cameras stream"]
    parts += [
        f"{name} {one.state}" for name, one in health.cameras.items() if one.state != "streaming"
    ]
    return ", ".join(parts)


def _line(health: Health | GroupHealth) -> str:
    from edgefeat.streaming import Health

    if isinstance(health, Health):
        return _summary(health)
    rates = f"in {health.fps_in:.1f}/s  out {health.fps_out:.1f}/s  {health.emitted} records"
    return f"{rates}  {group_state(health)}"


def _summary(health: Health) -> str:
    parts = [
        health.state,
        f"in {health.fps_in:.1f}/s",
        f"out {health.fps_out:.1f}/s",
        counted(health.emitted, "record"),
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
        parts.append(f"frame to record {' '.join(ages)} ms")
    if health.cpu_s_per_frame is not None:
        parts.append(f"cpu {health.cpu_s_per_frame * 1000:.1f} ms/frame")
    return "  ".join(parts)
