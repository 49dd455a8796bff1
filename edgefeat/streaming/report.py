"""The file that live numbers are written to, of one stream or of several cameras."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from edgefeat.atomic import check_place, write_text
from edgefeat.streaming.health import Health
from edgefeat.streaming.several.group_health import GroupHealth

__all__ = ["health_file"]


def health_file(path: Path) -> Callable[[Health | GroupHealth], None]:
    """Return what writes each report to a file, replaced in one step.

    Raises:
        SinkError: The file's folder is missing or cannot be written to, or the path is a folder.
            What is returned raises it too, if the file cannot be written.
    """
    check_place(path)

    def write(health: Health | GroupHealth) -> None:
        # Each second: not worth a write of a device's flash memory, which a power cut forgives.
        write_text(path, json.dumps(asdict(health), indent=1) + "\n", durable=False)

    return write
