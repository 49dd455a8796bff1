"""What device, camera and session are called in every record and in the live numbers."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field

__all__ = ["Names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The names of one stream.

    Attributes:
        device: What the device is called; its host name by default.
        camera: What the user calls the camera; None takes what the source is called.
        session: A new text for each stream.
    """

    device: str = field(default_factory=socket.gethostname)
    camera: str | None = None
    session: str = field(default_factory=lambda: secrets.token_hex(8))
