"""However a loop ends, the source is released within a second."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from edgefeat.sources import IterableSource, Source
from edgefeat.streaming import EventKind, Limits, Policy, Stream
from edgefeat.testing.faults import (
    FaultySource,
    disconnect,
    frames,
    hang,
    numbered_frame,
    stall,
)
from streams_support import NumberReader, Watched

STATES: dict[str, Callable[[], Source]] = {
    "streaming": lambda: FaultySource([frames(10**6)], fps=200),
    "stalled": lambda: FaultySource([frames(1), stall(60)]),
    "hanging": lambda: FaultySource([frames(1), hang(1.5)]),
    "between attempts": lambda: FaultySource([frames(1), disconnect(refusals=10**6)]),
    "full": lambda: FaultySource([frames(10**6)], live=False),
}


@pytest.mark.parametrize("state", STATES)
def test_a_stop_takes_less_than_a_second_from_any_state(state: str) -> None:
    source = STATES[state]()
    limits = Limits(timeout_s=30, stall_s=0.1, backoff_s=10)
    watched = Watched(source, limits=limits)
    stopped_at: list[float] = []

    def stop_soon() -> None:
        time.sleep(0.3)
        stopped_at.append(time.monotonic())
        watched.stream.stop()

    stopper = threading.Thread(target=stop_soon)
    stopper.start()
    for _ in watched.stream:
        if state == "full":
            time.sleep(0.05)
    stopper.join()
    assert time.monotonic() - stopped_at[0] < 1
    assert watched.kinds()[-1] is EventKind.ENDED or state == "hanging"


def test_leaving_the_loop_releases_the_source() -> None:
    camera = FaultySource([frames(10**6)], fps=500)
    watched = Watched(camera)
    for result in watched.stream:
        if result.index > 3:
            break
    assert (camera.opened, camera.closed) == (1, 1)
    with pytest.raises(ValueError, match="a stream can be iterated over once"):
        list(watched.stream)
    watched.stream.close()


def test_an_exception_in_the_loop_releases_the_source() -> None:
    camera = FaultySource([frames(10**6)], fps=500)

    def consume() -> None:
        for _ in Watched(camera).stream:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        consume()
    assert (camera.opened, camera.closed) == (1, 1)


def test_dropping_the_iterator_releases_the_source() -> None:
    camera = FaultySource([frames(10**6)], fps=500)
    records = iter(Watched(camera).stream)
    next(records)
    del records
    gc.collect()
    assert (camera.opened, camera.closed) == (1, 1)


def test_what_a_generator_raises_reaches_the_loop_after_its_frames() -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield numbered_frame(0)
        raise KeyError("sensor")

    watched = Watched(IterableSource(broken()))
    records = iter(watched.stream)
    assert next(records).index == 0
    with pytest.raises(KeyError, match="sensor"):
        next(records)


def test_duration_ends_a_stream_by_itself() -> None:
    watched = Watched(FaultySource([frames(10**6)], fps=200), limits=Limits(duration_s=0.3))
    started = time.monotonic()
    watched.numbers()
    assert 0.3 <= time.monotonic() - started < 10  # of 5000 s of frames
    assert watched.events[-1].message == "0.3 s are over"


def test_async_for_gives_the_same_records_and_leaves_the_loop_free() -> None:
    ticks = 0

    async def count() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    async def main() -> list[int]:
        counting = asyncio.create_task(count())
        stream = Stream(FaultySource([frames(40)], fps=100), NumberReader(), policy=Policy.ALL)
        numbers = [int(result.features[0]) async for result in stream]
        counting.cancel()
        return numbers

    assert asyncio.run(main()) == list(range(40))
    assert ticks > 10


@pytest.mark.parametrize("how", ["break", "cancel", "error"])
def test_leaving_an_async_loop_releases_the_source(how: str) -> None:
    camera = FaultySource([frames(10), stall(60)], fps=200)
    stream = Stream(camera, NumberReader(), limits=Limits(timeout_s=30))

    async def consume() -> None:
        async with contextlib.aclosing(aiter(stream)) as records:  # type: ignore[type-var]
            async for result in records:
                if how == "break" and result.index > 2:
                    break
                if how == "error":
                    raise ZeroDivisionError

    async def main() -> None:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.3)
        if how == "cancel":
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ZeroDivisionError):
            await task

    started = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - started < 15  # of a timeout of 30
    assert (camera.opened, camera.closed) == (1, 1)
