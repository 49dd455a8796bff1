"""How long a stream waits before it calls a silence a fault, and how it tries again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from edgefeat.errors import OptionError
from edgefeat.options.checks import number, whole_number
from edgefeat.sources.base import Source

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times, and how often to reconnect.

    Attributes:
        timeout_s: Longest wait in seconds to connect, and for the next whole frame, before the
            source is lost.
        stall_s: Seconds of silence after which the source is called stalled; None takes 0.4 of
            the timeout.
        frozen_s: Seconds that a live picture may stay the very same before it is called frozen.
        reconnect: How many attempts in a row may fail before the stream gives up; None: no limit,
            0: never reconnect.
        wait: Whether a live source that is not there at the start is waited for.
        backoff_s: Seconds to wait before the first new attempt; doubled after each that fails.
        backoff_max_s: Longest wait between attempts, in seconds.
        duration_s: Seconds after which the stream ends by itself; None: never.
    """

    timeout_s: float = 5.0
    stall_s: float | None = None
    frozen_s: float = 10.0
    reconnect: int | None = None
    wait: bool = False
    backoff_s: float = 0.5
    backoff_max_s: float = 30.0
    duration_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("timeout_s", "stall_s", "frozen_s", "backoff_s", "duration_s"):
            value = getattr(self, name)
            if value is not None:
                number(name, value)
        if self.reconnect is not None:
            whole_number("reconnect", self.reconnect, least=0)
        if self.backoff_max_s < self.backoff_s:
            raise OptionError(
                f"expected at least backoff_s ({self.backoff_s:g}), got {self.backoff_max_s:g}",
                option="backoff_max_s",
            )

    def check_for(self, source: Source) -> None:
        """Refuse limits that a source cannot have.

        Raises:
            OptionError: Reconnecting is asked of a source that is never opened again.
        """
        for name, given in (("wait", self.wait), ("reconnect", self.reconnect is not None)):
            if given and not source.traits.reopens:
                raise OptionError(
                    f"does not go with {source.name}, which is opened only once",
                    option=name,
                    remedy="Leave it out.",
                )

    @property
    def stalled_after_s(self) -> float:
        """Silence after which the source is called stalled."""
        return 0.4 * self.timeout_s if self.stall_s is None else self.stall_s

    def delay_s(self, failures: int, rng: random.Random) -> float:
        """Return how long to wait before the next attempt, after `failures` that failed.

        Doubling spares a camera that boots; the jitter, half to all of the delay, keeps many
        devices from coming back at the same instant.
        """
        delay = min(self.backoff_max_s, self.backoff_s * 2.0 ** min(failures, 32))
        return delay * rng.uniform(0.5, 1.0)
