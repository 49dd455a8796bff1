"""A signal ends a stream that waits, also one that did not interrupt the wait."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from edgefeat import FeatureExtractor
from edgefeat.sources.arrays import CallableSource
from edgefeat.streaming import Stream, StreamGroup

TOO_LATE_S = 5.0
Work: TypeAlias = tuple[Callable[[], object], Callable[[], None]]


@pytest.fixture
def free() -> Iterator[threading.Event]:
    """Set at the end, for sources that give nothing until then."""
    event = threading.Event()
    yield event
    event.set()


def _nothing(free: threading.Event) -> CallableSource:
    def give() -> None:
        free.wait()

    return CallableSource(give)


def _one(free: threading.Event, fx: FeatureExtractor) -> Work:
    stream = Stream(_nothing(free), fx)
    return lambda: list(stream), stream.stop


def _several(free: threading.Event, fx: FeatureExtractor) -> Work:
    group = StreamGroup({"yard": _nothing(free)}, fx)
    return lambda: group.run(lambda _, stream: [*stream].clear()), group.stop


def _handed_over(free: threading.Event, fx: FeatureExtractor) -> Work:
    group = StreamGroup({"yard": _nothing(free)}, fx)
    return lambda: list(group), group.stop


@pytest.mark.parametrize("make", [_one, _several, _handed_over])
def test_a_signal_that_another_thread_received_is_seen(
    make: Callable[..., Work],
    free: threading.Event,
    extractor: FeatureExtractor,
) -> None:
    work, stop = make(free, extractor)
    late = threading.Timer(TOO_LATE_S, stop)

    def send() -> None:  # the main thread sleeps on, as if the signal had come just before
        time.sleep(0.3)
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: stop())
    begin = time.monotonic()
    try:
        late.start()
        threading.Thread(target=send).start()
        work()
    finally:
        late.cancel()
        signal.signal(signal.SIGUSR1, before)
    assert time.monotonic() - begin < TOO_LATE_S - 1
