"""How a thread of a stream waits, so that no signal is overlooked."""

from __future__ import annotations

import threading

__all__ = ["wait_a_little"]

_LONGEST_S = 0.4


def wait_a_little(changed: threading.Condition) -> None:
    """Wait to be notified, but not for long; callers look again and wait again.

    Python calls a signal's handler in the main thread, between two of its steps. A signal that
    comes at the last moment before an endless wait is not seen until that wait ends, maybe never.
    """
    changed.wait(_LONGEST_S)
