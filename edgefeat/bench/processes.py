"""A single stream measured in several fresh processes, one after the other.

Where memory happens to lie makes one process of a build several percent faster than the next, for
as long as it lives; so a run is spread over several, and comparisons draw these
(`tests/bench/bench_honesty.py` counts the errors of comparisons).
"""

from __future__ import annotations

import math
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

from edgefeat.bench.plan import Plan
from edgefeat.bench.single_stream import BLOCK, Series, run_single_stream
from edgefeat.errors import EdgefeatError, ModelError

__all__ = ["measure_apart"]


def measure_apart(plan: Plan, on_progress: Callable[[float], None]) -> list[list[Series]]:
    """Return, for each of the plan's processes, a series for each of its setups.

    Args:
        plan: Its duration and calls are shared out among the processes. Each makes a block of calls
            for every setup before, which is not in the series.
        on_progress: Told the share that is done.

    Raises:
        EdgefeatError: A model, provider or picture does not work, or a process died.
    """
    found = []
    for number in range(plan.processes):

        def progress(share: float, done: int = number) -> None:
            on_progress((done + share) / plan.processes)

        found.append(_in_a_fresh_process(plan, progress))
    return found


def _in_a_fresh_process(plan: Plan, on_progress: Callable[[float], None]) -> list[Series]:
    spawn = multiprocessing.get_context("spawn")  # a fork would share this process's memory
    here, there = spawn.Pipe()
    child = spawn.Process(target=_measure, args=(there,), daemon=True)
    with here:
        try:
            with _interrupts_held_back():  # the child starts with them blocked: this one ends it
                child.start()
            there.close()  # else the child's end would go unnoticed here
            here.send(plan)  # not as an argument: a start blocks for ever if the child dies
            while isinstance(message := here.recv(), float):
                on_progress(message)
        except (EOFError, OSError):
            child.join()
            raise ModelError(
                f"single stream: a measuring process ended with exit code {child.exitcode} before "
                "its result. If memory is short, --processes 1 measures in this one."
            ) from None
        finally:
            if child.pid:
                child.kill()
                child.join()
    if isinstance(message, EdgefeatError):
        raise message
    series: list[Series] = message
    return series


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    resource_tracker.ensure_running()  # else a start does it, and lets interrupts through after it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _measure(parent: Connection) -> None:
    """Measure, in a child: send shares of the work that are done, and the series at the end."""
    with suppress(ConnectionError, EOFError):  # the parent was ended, and nobody waits for this
        plan: Plan = parent.recv()
        parent.send(_outcome(plan, parent.send))


def _outcome(plan: Plan, on_progress: Callable[[float], None]) -> list[Series] | EdgefeatError:
    try:
        with ExitStack() as stack:
            pipelines = [setup.pipeline(stack.enter_context(setup.open())) for setup in plan.setups]
            run_single_stream(pipelines, plan.pictures, duration_s=0, min_calls=BLOCK)
            return run_single_stream(
                pipelines,
                plan.pictures,
                duration_s=plan.duration_s / plan.processes,
                min_calls=math.ceil(plan.min_calls / plan.processes),
                on_progress=on_progress,
            )
    except EdgefeatError as error:
        return error
