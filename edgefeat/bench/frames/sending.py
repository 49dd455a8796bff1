"""Senders of frames on the loopback: a camera that speaks HTTP, and a program that writes a pipe.

Each sends in a thread of this process. The CPU time of that thread is told, so that it can be taken
out of the receiver's.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

from edgefeat.sources import RawFormat, Source, open_source
from edgefeat.sources.stdin import PipeSource

__all__ = ["CpuClock", "over_http", "through_a_pipe"]

CpuClock = Callable[[], float]
"""Seconds of CPU time so far."""

_TIMEOUT_S = 10.0
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
_PART = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n"


@contextlib.contextmanager
def over_http(jpegs: Sequence[bytes]) -> Iterator[tuple[Source, CpuClock]]:
    """Yield a camera that sends JPEGs over HTTP, and the clock of its own work.

    Args:
        jpegs: The frames, again and again.

    Raises:
        OSError: There is no loopback.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(_TIMEOUT_S)

        def send() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(_TIMEOUT_S)
                while not connection.recv(1 << 16).endswith(b"\r\n\r\n"):
                    pass
                connection.sendall(_HEAD)
                for one in cycle(jpegs):
                    connection.sendall(_PART % (len(one), one))

        with _sending(send) as clock:
            yield open_source(f"http://127.0.0.1:{server.getsockname()[1]}/"), clock
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)  # where nobody has connected


@contextlib.contextmanager
def through_a_pipe(
    frames: Sequence[bytes], raw: RawFormat | None
) -> Iterator[tuple[Source, CpuClock]]:
    """Yield what stands at the end of a pipe, and the clock of the program that writes it.

    Args:
        frames: The frames, again and again.
        raw: The layout of raw frames; None for JPEGs.

    Raises:
        OSError: There are no pipes left.
    """
    reading, writing = os.pipe()

    def send() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            for one in cycle(frames):
                rest = memoryview(one)
                while rest:
                    rest = rest[pipe.write(rest) :]

    with _sending(send) as clock, os.fdopen(reading, "rb") as stream:
        yield PipeSource(raw, stream=stream), clock


@contextlib.contextmanager
def _sending(send: Callable[[], None]) -> Iterator[CpuClock]:
    """Run a sender until the receiver is gone; yield the clock of its thread."""
    done = threading.Event()

    def run() -> None:
        with contextlib.suppress(OSError):  # the receiver has closed
            send()
        done.wait()  # a thread that has ended has no clock

    thread = threading.Thread(target=run, name="edgefeat sender", daemon=True)
    thread.start()
    clock = time.pthread_getcpuclockid(thread.ident or 0)  # it has one once it is started
    try:
        yield lambda: time.clock_gettime(clock)
    finally:
        done.set()
        thread.join(_TIMEOUT_S)
