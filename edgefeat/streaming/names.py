"""What device, camera and session are called in every record and in the live numbers."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field, replace

from edgefeat.streaming.events import Event

__all__ = ["Names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of one stream.

    Attributes:
        device: What the device is called; its host name by default.
        camera: What the user calls the camera; None takes what the source is called.
        source: What records, events and live numbers call the source; None takes its own name,
            which holds its address, without a password.
        session: A new text for each stream.
    """

    device: str = field(default_factory=socket.gethostname)
    camera: str | None = None
    source: str | None = None
    session: str = field(default_factory=lambda: secrets.token_hex(8))

    def renamed(self, event: Event, own_name: str) -> Event:
        """Return an event as it is told here, with its error: under the name of this stream.

        Args:
            event: What happened.
            own_name: What the source calls itself.
        """
        if self.source is None:
            return event
        error = event.error
        if error is not None and error.where is not None:
            first, colon, rest = error.where.partition(f"{own_name}: ")
            if error.where == own_name:
                error.where = self.source
            elif colon and not first:
                error.where = f"{self.source}: {rest}"
        return replace(event, source=self.source)
