"""A single stream measured in several fresh processes, one after the other.

Where memory happens to lie makes one process of a build several percent faster than the next, for
as long as it lives (a report's `process_spread`). A longer run in one process does not help; more
processes do (`tests/bench/bench_honesty.py` counts the errors of comparisons).
"""

from __future__ import annotations

import math
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

from edgefeat.bench.pictures import Pictures
from edgefeat.bench.plan import Plan, Setup
from edgefeat.bench.single_stream import Series, run_single_stream
from edgefeat.errors import ModelError

__all__ = ["measure_apart"]


def measure_apart(plan: Plan, on_progress: Callable[[float], None]) -> list[list[Series]]:
    """Return, for each of the plan's processes, a series for each of its setups.

    Args:
        plan: Its duration and calls are shared out among the processes.
        on_progress: Told the share that is done.

    Raises:
        ModelError: A process ended without a result.
    """
    found = []
    for number in range(plan.processes):

        def progress(share: float, done: int = number) -> None:
            on_progress((done + share) / plan.processes)

        found.append(_in_a_fresh_process(plan, progress))
    return found


def _in_a_fresh_process(plan: Plan, on_progress: Callable[[float], None]) -> list[Series]:
    spawn = multiprocessing.get_context("spawn")  # a fork would share this process's memory
    receiver, sender = spawn.Pipe(duplex=False)
    calls = math.ceil(plan.min_calls / plan.processes)
    work = (sender, plan.setups, plan.pictures, plan.duration_s / plan.processes, calls)
    child = spawn.Process(target=_measure, args=work, daemon=True)
    with _interrupts_held_back():  # a child is started with them blocked: this process ends it
        child.start()
    sender.close()  # else its end would go unnoticed here
    try:
        while isinstance(message := receiver.recv(), float):
            on_progress(message)
        series: list[Series] = message
    except EOFError:
        child.join()
        raise ModelError(
            f"single stream: a measuring process ended with exit code {child.exitcode} before its "
            "result. If memory is short, --processes 1 measures in this one."
        ) from None
    finally:
        child.kill()
        child.join()
    return series


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    resource_tracker.ensure_running()  # else a start does it, and lets interrupts through after it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _measure(
    sender: Connection,
    setups: tuple[Setup, ...],
    pictures: Pictures,
    duration_s: float,
    min_calls: int,
) -> None:
    """Measure, in a child: send shares of the work that are done, and the series at the end."""
    with ExitStack() as stack:
        pipelines = [setup.pipeline(stack.enter_context(setup.open())) for setup in setups]
        series = run_single_stream(
            pipelines,
            pictures,
            duration_s=duration_s,
            min_calls=min_calls,
            on_progress=sender.send,
        )
    sender.send(series)
