"""What this machine is: its CPU and memory, and how much of both is in use.

Everything that cannot be read is None or empty, never a guess; see `edgefeat.host.linux_files`.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgefeat.host.cpuinfo import INT8_DOT, VECTOR, instructions
from edgefeat.host.linux_files import (
    ROOT,
    cgroup_folders,
    read_kilobytes,
    read_number,
    read_text,
    values_of,
)

__all__ = [
    "CpuTicks",
    "Processor",
    "cpu_quota",
    "cpu_ticks",
    "load_average",
    "memory_available_bytes",
    "memory_limit_bytes",
    "memory_total_bytes",
    "peak_rss_bytes",
    "processor",
    "rss_bytes",
]

_ARM_PARTS = {
    ("0x41", "0xc07"): "Cortex-A7",
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd04"): "Cortex-A35",
    ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd09"): "Cortex-A73",
    ("0x41", "0xd0a"): "Cortex-A75",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1",
    ("0x41", "0xd40"): "Neoverse-V1",
    ("0x41", "0xd41"): "Cortex-A78",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x41", "0xd49"): "Neoverse-N2",
    ("0x41", "0xd4f"): "Neoverse-V2",
    ("0x4e", "0x003"): "Denver 2",
    ("0x4e", "0x004"): "Carmel",
}
_UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number near 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """The CPU: its name, its board, and the instructions that matter here.

    Args:
        model: The CPU's name; several, joined by +, where cores differ.
        board: The board's name, such as `Raspberry Pi 5 Model B`; None where nothing says it.
        architecture: Name of the instruction set, such as `x86_64` or `aarch64`.
        logical_cores: How many this process may use.
        flags: Which of `cpuinfo.VECTOR` and `cpuinfo.INT8_DOT` the CPU has.
    """

    model: str
    board: str | None
    architecture: str
    logical_cores: int
    flags: tuple[str, ...]

    @property
    def int8_dot(self) -> bool:
        """Whether it multiplies int8 vectors in one instruction without saturating."""
        return any(flag in INT8_DOT for flag in self.flags)


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTicks:
    """CPU seconds of some or all cores since boot; only differences mean something.

    Attributes:
        busy_s: Seconds in which a process or the kernel ran.
        idle_s: Seconds in which nothing ran.
        steal_s: Seconds that a hypervisor gave to somebody else while this machine wanted to run.
    """

    busy_s: float
    idle_s: float
    steal_s: float


def processor(root: Path = ROOT) -> Processor:
    """Return what `/proc/cpuinfo` and the device tree say."""
    text = read_text(root / "proc/cpuinfo") or ""
    flags = instructions(str(root))
    names = values_of(text, "model name") or [
        _ARM_PARTS.get(key, f"ARM implementer {key[0]} part {key[1]}")
        for key in zip(
            values_of(text, "CPU implementer"),
            values_of(text, "CPU part"),
            strict=False,
        )
    ]
    board = read_text(root / "proc/device-tree/model")
    return Processor(
        model=" + ".join(dict.fromkeys(names)) or platform.processor() or "unknown",
        board=board.strip("\0\n ") if board else None,
        architecture=platform.machine(),
        logical_cores=len(os.sched_getaffinity(0)),
        flags=tuple(flag for flag in (*VECTOR, *INT8_DOT) if flag in flags),
    )


def load_average() -> tuple[float, float, float] | None:
    """Return the load over 1, 5 and 15 minutes."""
    try:
        return os.getloadavg()
    except OSError:
        return None


def cpu_ticks(root: Path = ROOT, *, cores: Iterable[int] | None = None) -> CpuTicks | None:
    """Return CPU seconds since boot, all processes together.

    Args:
        root: Root of the file system to look at.
        cores: Numbers of the cores to count; None counts the whole machine.
    """
    text = read_text(root / "proc/stat") or ""
    hertz = os.sysconf("SC_CLK_TCK")
    busy = idle = stolen = 0.0
    for name in ("cpu",) if cores is None else [f"cpu{core}" for core in cores]:
        found = re.search(rf"^{name} +([\d ]+)", text, re.MULTILINE)
        if found is None:
            return None
        # man 5 proc: user nice system idle iowait irq softirq steal guest guest_nice; the last two
        # are in user and nice already.
        ticks = [int(part) for part in found[1].split()[:8]]
        user, nice, system, idling, wait, irq, soft, steal = (ticks + [0] * 8)[:8]
        busy += (user + nice + system + irq + soft) / hertz
        idle += (idling + wait) / hertz
        stolen += steal / hertz
    return CpuTicks(busy_s=busy, idle_s=idle, steal_s=stolen)


def memory_total_bytes(root: Path = ROOT) -> int | None:
    """Return the machine's memory."""
    return read_kilobytes(root / "proc/meminfo", "MemTotal")


def memory_available_bytes(root: Path = ROOT) -> int | None:
    """Return how much memory a process could take without swapping."""
    return read_kilobytes(root / "proc/meminfo", "MemAvailable")


def memory_limit_bytes(root: Path = ROOT) -> int | None:
    """Return the tightest memory limit on this process: a container's, a service's or ulimit's."""
    text = read_text(root / "proc/self/limits") or ""
    limits = [int(n) for n in re.findall(r"(?m)^Max (?:address space|data size) +(\d+)", text)]
    for folder in cgroup_folders(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = read_number(folder / name)
            if limit is not None and limit < _UNLIMITED:
                limits.append(int(limit))
    return min(limits, default=None)


def cpu_quota(root: Path = ROOT) -> float | None:
    """Return how many cores' worth of time a container may use; None is no limit."""
    quotas = []
    for folder in cgroup_folders(root, "cpu"):
        quota, _, period = (read_text(folder / "cpu.max") or "").strip().partition(" ")
        quota = quota or (read_text(folder / "cpu.cfs_quota_us") or "").strip()
        period = period or (read_text(folder / "cpu.cfs_period_us") or "").strip()
        if quota.isdecimal() and period.isdecimal():  # "max" and -1 are no limit
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def rss_bytes(root: Path = ROOT) -> int | None:
    """Return this process's resident memory now."""
    return read_kilobytes(root / "proc/self/status", "VmRSS")


def peak_rss_bytes(root: Path = ROOT) -> int | None:
    """Return the most resident memory this process had; `getrusage` would include the parent's."""
    return read_kilobytes(root / "proc/self/status", "VmHWM")
