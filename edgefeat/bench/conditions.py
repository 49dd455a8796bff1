"""Whether the machine was fit to be measured on, and what it was.

A figure from a throttled, starved or shared machine is still printed, but says that it is invalid
and why.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from edgefeat import machine
from edgefeat.bench.results import Conditions, Machine, SingleStream

__all__ = ["Watch", "describe_machine"]

_PACKAGES = ("edgefeat", "numpy", "onnxruntime", "opencv-python-headless")
_OTHERS_SHARE = 0.10  # of the machine's cores, busy with other processes
_STEAL_SHARE = 0.02
_CPU_SHARE = 0.90  # of the time, one thread that never waits for input must be running
_SLOW_GOVERNORS = ("powersave", "ondemand", "conservative", "schedutil")
_FREQUENCY_SHARE = 0.8


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
    """Looks at the machine when made and when asked for its verdict.

    Args:
        root: Of the file system that it looks at.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._started = time.monotonic()
        self._ticks = machine.cpu_ticks(root)
        self._own_s = _own_cpu_s()
        self._counts = machine.throttle_counts(root)
        self._throttled = machine.throttled_now(root)
        self._load = machine.load_average()

    def verdict(self, runs: Sequence[SingleStream] = (), *, one_thread: bool = True) -> Conditions:
        """Return the conditions since this was made.

        Args:
            runs: What was measured meanwhile; an unsteady or starved one tells on the machine.
            one_thread: Whether the runs used a single thread, so that CPU time equals wall time.
        """
        elapsed = time.monotonic() - self._started
        others, steal = self._taken_by_others(elapsed)
        throttled = tuple(dict.fromkeys(self._throttled + machine.throttled_now(self._root)))
        now_mhz, most_mhz = machine.frequencies_mhz(self._root)
        invalid = [*throttled, *self._counters_that_grew()]
        cores = len(os.sched_getaffinity(0))
        if others is not None and others > _OTHERS_SHARE * cores:
            invalid.append(f"busy machine: other processes used {others:.1f} of {cores} cores")
        if steal is not None and steal > _STEAL_SHARE:
            invalid.append(f"shared machine: the hypervisor took {steal:.0%} of the time away")
        invalid += _faults(runs, one_thread=one_thread)
        governors = machine.governors(self._root)
        return Conditions(
            invalid=tuple(invalid),
            notes=tuple(_notes(governors, now_mhz, most_mhz)),
            duration_s=round(elapsed, 3),
            others_cores=others,
            steal=steal,
            load_average=self._load,
            governors=governors,
            frequency_mhz=now_mhz,
            max_frequency_mhz=most_mhz,
            temperatures_c=machine.temperatures_c(self._root),
            throttled=throttled,
        )

    def _taken_by_others(self, elapsed: float) -> tuple[float | None, float | None]:
        """Return cores' worth used by other processes, and the share stolen by a hypervisor."""
        now = machine.cpu_ticks(self._root)
        if now is None or self._ticks is None or elapsed <= 0:
            return None, None
        busy = now.busy_s - self._ticks.busy_s
        stolen = now.steal_s - self._ticks.steal_s
        whole = busy + stolen + now.idle_s - self._ticks.idle_s
        others = max(0.0, busy - (_own_cpu_s() - self._own_s)) / elapsed
        return round(others, 3), round(stolen / whole, 4) if whole > 0 else None

    def _counters_that_grew(self) -> list[str]:
        after = machine.throttle_counts(self._root)
        grown = {key: after[key] - before for key, before in self._counts.items() if key in after}
        return [f"slowed down: {key}, {count} times" for key, count in grown.items() if count > 0]


def _faults(runs: Sequence[SingleStream], *, one_thread: bool) -> list[str]:
    faults = []
    share = min((run.cpu_share for run in runs), default=1.0)
    if one_thread and share < _CPU_SHARE:
        faults.append(f"starved: the benchmark had a CPU only {share:.0%} of its time")
    if not all(run.steady for run in runs):
        spread = max(run.level_spread for run in runs)
        faults.append(f"unsteady: the speed changed by {spread - 1:.0%} during the run")
    return faults


def _notes(governors: Sequence[str], now: float | None, most: float | None) -> list[str]:
    notes = []
    if slow := [name for name in governors if name in _SLOW_GOVERNORS]:
        notes.append(
            f"governor {', '.join(slow)}: the CPU may not run at full speed; "
            "`performance` gives steadier figures"
        )
    if now and most and now < _FREQUENCY_SHARE * most:
        notes.append(f"a core ran at {now:.0f} of {most:.0f} MHz")
    return notes


def _own_cpu_s() -> float:
    """Return CPU seconds of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # another build, such as onnxruntime-gpu
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
