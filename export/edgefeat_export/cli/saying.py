"""Progress of the exporter's commands: one line each, on stderr."""

from __future__ import annotations

import sys

__all__ = ["say"]


def say(line: str) -> None:
    """Write a line of progress."""
    sys.stderr.write(f"edgefeat-export: {line}\n")
    sys.stderr.flush()
