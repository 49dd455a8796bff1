"""A single stream that is measured in several fresh processes, one after the other.

Where memory happens to lie makes one process of a build several percent faster than the next, for
as long as it lives. So a run is spread over several processes, and comparisons draw processes
(`tests/bench/bench_honesty.py` counts how often comparisons err).
"""

from __future__ import annotations

import math
import multiprocessing
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

from edgefeat.bench.loads.single_stream import run_single_stream
from edgefeat.bench.plan import BenchPlan, SingleStreamLoad
from edgefeat.bench.series import BLOCK, Series
from edgefeat.errors import EdgefeatError, ModelError

__all__ = ["measure_apart"]


def measure_apart(
    plan: BenchPlan, load: SingleStreamLoad, on_share: Callable[[float], None]
) -> list[list[Series]]:
    """Return for each process a series for each of the plan's setups.

    Args:
        plan: Setups and pictures. The setups' pipelines must be picklable.
        load: Duration and calls, which the processes share among them. Each process first makes a
            block of calls for every setup that is not in its series.
        on_share: Called with the share that is done.

    Raises:
        EdgefeatError: A model, provider or picture does not work, or a process died.
    """
    found = []
    for number in range(load.processes):

        def tell(share: float, done: int = number) -> None:
            on_share((done + share) / load.processes)

        found.append(_in_a_fresh_process(plan, load, tell))
    return found


def _in_a_fresh_process(
    plan: BenchPlan, load: SingleStreamLoad, on_share: Callable[[float], None]
) -> list[Series]:
    spawn = multiprocessing.get_context("spawn")  # a fork would share this process's memory
    here, there = spawn.Pipe()
    child = spawn.Process(target=_child, args=(there,), daemon=True)
    with here:
        try:
            with _interrupts_held_back():  # the child inherits this: only its parent ends it
                child.start()
            there.close()  # else this process would not notice that the child ended
            here.send((plan, load))  # as an argument of the start it would block if the child dies
            while isinstance(message := here.recv(), float):
                on_share(message)
        except (EOFError, OSError):
            child.join()
            raise _died(child.exitcode) from None
        finally:
            if child.pid:
                child.kill()
                child.join()
    if isinstance(message, EdgefeatError):
        raise message
    series: list[Series] = message
    return series


def _died(exit_code: int | None) -> ModelError:
    return ModelError(
        f"a measuring process ended with exit code {exit_code} before its result",
        where="single stream",
        remedy="If memory is short, or if this is a script whose main part does not stand under "
        '`if __name__ == "__main__":`, measure in this process with {option}.',
        option="processes=1",
    )


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    resource_tracker.ensure_running()  # else the start of a process runs it and lets interrupts in
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _child(parent: Connection) -> None:
    """Measure in the fresh process: send shares of the work that are done, then the series."""
    try:
        plan, load = parent.recv()
    except (EOFError, OSError):  # the parent was ended, perhaps in the middle of the plan
        return
    with suppress(ConnectionError):  # the parent was ended, and nobody waits for this
        parent.send(_series_or_error(plan, load, parent.send))


def _series_or_error(
    plan: BenchPlan, load: SingleStreamLoad, on_share: Callable[[float], None]
) -> list[Series] | EdgefeatError:
    try:
        with ExitStack() as stack, warnings.catch_warnings(action="ignore"):  # the parent warns
            pipelines = [setup.open_in(stack) for setup in plan.setups]
            run_single_stream(pipelines, plan.pictures, duration_s=0, min_calls=BLOCK)
            return run_single_stream(
                pipelines,
                plan.pictures,
                duration_s=load.duration_s / load.processes,
                min_calls=math.ceil(load.min_calls / load.processes),
                on_share=on_share,
            )
    except EdgefeatError as error:
        return error
