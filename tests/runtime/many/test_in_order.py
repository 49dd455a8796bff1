"""The ordered pool: order, bounds, errors, and threads that end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from itertools import islice

import pytest

from edgefeat.many.in_order import groups_of, map_in_order


def pool_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("edgefeat")]


def double(item: int) -> int:
    return 2 * item


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("ahead", [1, 2, 16])
def test_results_come_in_order_whoever_is_faster(workers: int, ahead: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.01 if item % 7 == 0 else 0)
        return item * item

    results = map_in_order(work, range(60), workers=workers, ahead=ahead)
    assert list(results) == [item * item for item in range(60)]
    assert pool_threads() == []


@pytest.mark.parametrize(("workers", "ahead"), [(1, 16), (2, 2), (2, 16), (3, 1)])
def test_nothing_is_taken_far_ahead_of_a_slow_consumer(workers: int, ahead: int) -> None:
    taken: list[int] = []

    def endless() -> Iterator[int]:
        while True:
            taken.append(len(taken))
            yield taken[-1]

    results = map_in_order(double, endless(), workers=workers, ahead=ahead)
    assert [next(results) for _ in range(5)] == [0, 2, 4, 6, 8]
    assert len(taken) <= 5 + ahead * workers
    results.close()
    assert pool_threads() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_comes_in_its_place_and_ends_the_workers(workers: int) -> None:
    def work(item: int) -> int:
        if item == 30:
            raise RuntimeError("broken")
        return item

    results = map_in_order(work, range(1000), workers=workers, ahead=4)
    assert list(islice(results, 30)) == list(range(30))
    with pytest.raises(RuntimeError, match="broken"):
        next(results)
    assert pool_threads() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_the_items_ends_the_workers_too(workers: int) -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("the list is damaged")

    with pytest.raises(OSError, match="the list is damaged"):
        list(map_in_order(double, items(), workers=workers, ahead=2))
    assert pool_threads() == []


def test_ctrl_c_drops_what_has_not_begun() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        if item == 3:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.02)
        return item

    with pytest.raises(KeyboardInterrupt):
        list(map_in_order(work, range(10_000), workers=2, ahead=16))
    assert pool_threads() == []
    assert len(begun) < 100


def test_groups_hold_every_item_once() -> None:
    assert list(groups_of(4, range(10))) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(groups_of(4, [])) == []
