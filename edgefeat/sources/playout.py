"""Plays live video that comes in bursts, as HLS does, at the pace of its own times.

An HLS server hands out segments of some seconds. A reader gets each of them at once, and then
nothing until the next one is ready. After a reconnect it gets the last segments again. So frames
wait here until they are due, and frames that were given before are recognised by their times.
"""

from __future__ import annotations

import threading
import time

__all__ = ["Playout", "Timeline"]

# A frame that comes so much earlier than its own time says is part of a segment: cameras that
# send at their own pace may send what they kept since the last key frame, and that is less.
_BURST_S = 1.0
# Beyond this a frame that comes late, or a time that jumps, starts the clock anew.
_LATE_S, _JUMP_S = 1.0, 10.0
# A reconnect may repeat so much. A time further back belongs to a server that started anew.
_OVERLAP_S = 60.0


class Timeline:
    """What the connections to one source learn about its times.

    Attributes:
        in_segments: Whether frames come in bursts.
        given_s: The server's own time of the newest frame given; None before the first.
    """

    def __init__(self) -> None:
        self.in_segments = False
        self.given_s: float | None = None

    def repeats(self, server_s: float | None) -> bool:
        """Return whether the frame with this time was given before; not if it states no time."""
        if not self.in_segments or self.given_s is None or server_s is None:
            return False
        return 0 <= self.given_s - server_s < _OVERLAP_S


class Playout:
    """The pace of one connection.

    Args:
        timeline: What is known of the source.
        stop: Set to end a wait.
    """

    def __init__(self, timeline: Timeline, stop: threading.Event) -> None:
        self._timeline, self._stop = timeline, stop
        self._start: tuple[float, float] | None = None  # the clock's, and the stream's, in seconds
        self._last_s = 0.0

    def hold(self, stream_s: float) -> None:
        """Wait until a frame is due.

        Args:
            stream_s: The frame's time in seconds; only differences count.
        """
        now = time.monotonic()
        jumped = not 0 <= stream_s - self._last_s <= _JUMP_S
        self._last_s = stream_s
        if self._start is None or jumped:
            self._start = now, stream_s
            return
        early_s = (stream_s - self._start[1]) - (now - self._start[0])
        if not self._timeline.in_segments:
            if early_s <= _BURST_S:
                return
            self._timeline.in_segments = True
            self._start = now, stream_s
        elif early_s > 0:
            self._stop.wait(early_s)
        elif early_s < -_LATE_S:
            self._start = now, stream_s
