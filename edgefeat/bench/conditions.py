"""Whether the machine was fit to be measured on, and what it was.

A figure from a throttled, starved or shared machine is still shown, but the report says that it is
invalid and why.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from edgefeat.bench.load_results import SingleStream
from edgefeat.bench.surroundings import Conditions, Machine
from edgefeat.host import machine, throttling

__all__ = ["Watch", "describe_machine"]

_PACKAGES = ("edgefeat", "numpy", "onnxruntime", "opencv-python-headless")
_MOST_BY_OTHERS = 0.10  # share of the usable cores' time
_MOST_STOLEN = 0.02  # share of the time
_LEAST_CPU_SHARE = 0.90  # a single thread that had a CPU for less of its time was starved
_LEAST_FREQUENCY = 0.8  # share of the highest frequency
_SLOW_GOVERNORS = ("powersave", "ondemand", "conservative", "schedutil")


def describe_machine() -> Machine:
    """Return what does not change during a run."""
    cpu = machine.processor()
    return Machine(
        cpu=cpu.model,
        board=cpu.board,
        architecture=cpu.architecture,
        cores=cpu.logical_cores,
        flags=cpu.flags,
        int8_dot=cpu.int8_dot,
        memory_bytes=machine.memory_total_bytes(),
        memory_limit_bytes=machine.memory_limit_bytes(),
        cpu_quota=machine.cpu_quota(),
        system=f"{platform.system()} {platform.release()}",
        versions={"python": platform.python_version()} | _versions(),
        install_bytes=_install_bytes(),
    )


class Watch:
    """Looks at the machine when it is made, and again when it is asked for its verdict.

    Args:
        root: Root of the file system to look at.
        clock: What time it is, in seconds.
    """

    def __init__(
        self, root: Path = Path("/"), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root, self._clock = root, clock
        self._started = clock()
        self._ticks = machine.cpu_ticks(root, cores=os.sched_getaffinity(0))
        self._own_s = _own_cpu_s()
        self._counts = throttling.throttle_counts(root)
        self._throttled = throttling.throttled_now(root)
        self._load = machine.load_average()

    def verdict(self, runs: Sequence[SingleStream] = (), *, one_thread: bool = True) -> Conditions:
        """Return the conditions since this was made.

        Args:
            runs: What was measured meanwhile. An unsteady or starved run tells on the machine.
            one_thread: Whether the runs used a single thread, so that CPU time is wall time.
        """
        elapsed_s = self._clock() - self._started
        others_cores, steal = self._taken_by_others(elapsed_s)
        throttled = tuple(dict.fromkeys(self._throttled + throttling.throttled_now(self._root)))
        now_mhz, most_mhz = throttling.frequencies_mhz(self._root)
        governors = throttling.governors(self._root)
        invalid = (
            *throttled,
            *self._counters_that_grew(),
            *_disturbed(others_cores, steal),
            *_faults(runs, one_thread=one_thread),
        )
        return Conditions(
            invalid=invalid,
            notes=tuple(_notes(governors, now_mhz, most_mhz)),
            duration_s=round(elapsed_s, 3),
            others_cores=others_cores,
            steal=steal,
            load_average=self._load,
            governors=governors,
            frequency_mhz=now_mhz,
            max_frequency_mhz=most_mhz,
            temperatures_c=throttling.temperatures_c(self._root),
            throttled=throttled,
        )

    def _taken_by_others(self, elapsed_s: float) -> tuple[float | None, float | None]:
        """Return cores' worth used by other processes, and the share stolen by a hypervisor."""
        now = machine.cpu_ticks(self._root, cores=os.sched_getaffinity(0))
        if now is None or self._ticks is None or elapsed_s <= 0:
            return None, None
        busy = now.busy_s - self._ticks.busy_s
        stolen = now.steal_s - self._ticks.steal_s
        whole = busy + stolen + now.idle_s - self._ticks.idle_s
        others = max(0.0, busy - (_own_cpu_s() - self._own_s)) / elapsed_s
        return round(others, 3), round(stolen / whole, 4) if whole > 0 else None

    def _counters_that_grew(self) -> list[str]:
        after = throttling.throttle_counts(self._root)
        grown = {key: after[key] - before for key, before in self._counts.items() if key in after}
        return [f"slowed down: {key}, {count} times" for key, count in grown.items() if count > 0]


def _disturbed(others_cores: float | None, steal: float | None) -> Iterator[str]:
    """Yield what other programs and other machines on the same host took away."""
    cores = len(os.sched_getaffinity(0))
    if others_cores is not None and others_cores > _MOST_BY_OTHERS * cores:
        usable = "the core" if cores == 1 else f"the {cores} cores"
        yield (
            f"busy machine: other processes took {others_cores / cores:.0%} of {usable} that this "
            "process may use"
        )
    if steal is not None and steal > _MOST_STOLEN:
        yield f"shared machine: the hypervisor took {steal:.0%} of the time away"


def _faults(runs: Sequence[SingleStream], *, one_thread: bool) -> Iterator[str]:
    """Yield what the runs themselves tell of the machine."""
    share = min((run.cpu_share for run in runs), default=1.0)
    if one_thread and share < _LEAST_CPU_SHARE:
        yield f"starved: the benchmark had a CPU only {share:.0%} of its time"
    if not all(run.steady for run in runs):
        spread = max(run.level_spread for run in runs)
        yield f"unsteady: the speed changed by {spread - 1:.0%} during the run"


def _notes(
    governors: Sequence[str], now_mhz: float | None, most_mhz: float | None
) -> Iterator[str]:
    """Yield what may have made the figures worse without making them invalid."""
    if slow := [name for name in governors if name in _SLOW_GOVERNORS]:
        yield (
            f"governor {', '.join(slow)}: the CPU may not run at full speed; "
            "`performance` gives steadier figures"
        )
    if now_mhz and most_mhz and now_mhz < _LEAST_FREQUENCY * most_mhz:
        yield f"a core ran at {now_mhz:.0f} of {most_mhz:.0f} MHz"


def _own_cpu_s() -> float:
    """Return CPU seconds of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # another build of it, such as onnxruntime-gpu
            continue
    return found


def _install_bytes() -> int | None:
    """Return what the runtime and its dependencies take on disk; None if it cannot be told."""
    total = 0
    for name in _PACKAGES:
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            return None
        total += sum(file.size or 0 for file in files)
    return total or None
