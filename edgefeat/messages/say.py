"""Says something on stderr, and never waits for whoever should read it.

A log that nobody drains, a terminal that is paused or a full disk must not keep a command from its
work, nor from ending when it is told to.
"""

from __future__ import annotations

import os
import select
import sys

__all__ = ["say"]

# A pipe that is ready takes so many bytes at once (PIPE_BUF).
_AT_ONCE = 4096


def say(text: str, *, patience_s: float = 0.0) -> bool:
    """Write text to stderr; return whether all of it was written.

    Args:
        text: What to write.
        patience_s: How long to wait until stderr takes it.
    """
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # none, or one that lives in memory
        if sys.stderr is not None:
            sys.stderr.write(text)
        return sys.stderr is not None
    left = text.encode(errors="backslashreplace")
    try:
        # Past sys.stderr: what it could not write it would try again at exit, and fail again.
        while left:
            _, ready, _ = select.select([], [descriptor], [], patience_s)
            if not ready:
                return False
            left = left[os.write(descriptor, left[:_AT_ONCE]) :]
    except (OSError, ValueError):
        return False
    return True
