"""What this machine is and what state it is in, read from Linux's own files.

Everything that cannot be read is None or empty, never a guess. Each function takes the root of the
file system, so that a copied `/proc` and `/sys` of another device can be read in its place.
Standard library only.

Sources: kernel Documentation/ABI (cpufreq, thermal_throttle), cgroup-v2.rst, the Raspberry Pi
firmware's `get_throttled` bits, NVIDIA Jetson's `soctherm` over-current counters.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgefeat.host.cpuinfo import INT8_DOT, VECTOR, instructions

__all__ = [
    "CpuTicks",
    "Processor",
    "cpu_quota",
    "cpu_ticks",
    "frequencies_mhz",
    "governors",
    "load_average",
    "memory_available_bytes",
    "memory_limit_bytes",
    "memory_total_bytes",
    "peak_rss_bytes",
    "processor",
    "rss_bytes",
    "temperatures_c",
    "throttle_counts",
    "throttled_now",
]

_ROOT = Path("/")
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
_PI_NOW = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
_UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number near 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """The CPU: its name, its board, and the instructions that matter here.

    Args:
        model: The CPU's name; several, joined by +, where cores differ.
        board: The board's name, such as `Raspberry Pi 5 Model B`; None where nothing says it.
        architecture: Such as `x86_64` or `aarch64`.
        logical_cores: How many this process may use.
        flags: Those of `cpuinfo.VECTOR` and `cpuinfo.INT8_DOT` that it has.
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


def processor(root: Path = _ROOT) -> Processor:
    """Return what `/proc/cpuinfo` and the device tree say."""
    text = _text(root / "proc/cpuinfo") or ""
    flags = instructions(str(root))
    names = _values(text, "model name") or [
        _ARM_PARTS.get(key, f"ARM implementer {key[0]} part {key[1]}")
        for key in zip(_values(text, "CPU implementer"), _values(text, "CPU part"), strict=False)
    ]
    board = _text(root / "proc/device-tree/model")
    return Processor(
        model=" + ".join(dict.fromkeys(names)) or platform.processor() or "unknown",
        board=board.strip("\0\n ") if board else None,
        architecture=platform.machine(),
        logical_cores=len(os.sched_getaffinity(0)),
        flags=tuple(flag for flag in (*VECTOR, *INT8_DOT) if flag in flags),
    )


def governors(root: Path = _ROOT) -> tuple[str, ...]:
    """Return the different frequency governors of the cores, such as `("performance",)`."""
    found = (_text(path) for path in _cpu_files(root, "cpufreq/scaling_governor"))
    return tuple(sorted({text.strip() for text in found if text}))


def frequencies_mhz(root: Path = _ROOT) -> tuple[float | None, float | None]:
    """Return the slowest core's frequency now and the fastest that any core may reach, in MHz.

    Without cpufreq the first is `/proc/cpuinfo`'s reading, which virtual machines fix.
    """
    now = [n for p in _cpu_files(root, "cpufreq/scaling_cur_freq") if (n := _number(p))]
    most = [n for p in _cpu_files(root, "cpufreq/cpuinfo_max_freq") if (n := _number(p))]
    if now:
        return min(now) / 1000, max(most) / 1000 if most else None
    told = _values(_text(root / "proc/cpuinfo") or "", "cpu MHz")
    return (min(float(value) for value in told) if told else None), None


def temperatures_c(root: Path = _ROOT) -> dict[str, float]:
    """Return the thermal zones by name, in degrees Celsius; of a shared name the hottest."""
    zones: dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        reading = _number(zone / "temp")
        if reading is None or reading <= 0:  # switched-off zones read 0 or negative
            continue
        name = (_text(zone / "type") or zone.name).strip()
        zones[name] = max(zones.get(name, 0.0), reading / 1000)
    return zones


def throttled_now(root: Path = _ROOT) -> tuple[str, ...]:
    """Return why the machine is being slowed down at this moment; empty where nothing says so."""
    bits = _pi_bits(root) or 0
    reasons = [f"Raspberry Pi: {text}" for bit, text in _PI_NOW.items() if bits >> bit & 1]
    for device in sorted((root / "sys/class/thermal").glob("cooling_device*")):
        kind = (_text(device / "type") or "").strip()
        # Fans and idle injection are cooling devices too: only those that slow the CPU count.
        if re.search(r"cpufreq|^Processor$|throttle", kind) and _number(device / "cur_state"):
            reasons.append(f"cooling by slowing down: {kind}")
    return tuple(dict.fromkeys(reasons))


def throttle_counts(root: Path = _ROOT) -> dict[str, int]:
    """Return counters of slow-downs since boot: a run during which one grew was disturbed.

    x86 thermal throttling, Jetson over-current events, and CPU quota of a container.
    """
    counts = {
        name: sum(int(_number(path) or 0) for path in paths)
        for name in ("core", "package")
        if (paths := list(_cpu_files(root, f"thermal_throttle/{name}_throttle_count")))
    }
    counts = {f"x86 {name} thermal throttling": count for name, count in counts.items()}
    for path in sorted((root / "sys/class/hwmon").glob("hwmon*/oc*_event_cnt")):
        counts[f"Jetson over-current {path.name.split('_')[0]}"] = int(_number(path) or 0)
    for folder in _cgroup_folders(root, "cpu"):
        found = re.search(r"^nr_throttled (\d+)", _text(folder / "cpu.stat") or "", re.MULTILINE)
        if found:
            key = "container CPU quota"
            counts[key] = counts.get(key, 0) + int(found[1])
    return counts


def load_average() -> tuple[float, float, float] | None:
    """Return the load over 1, 5 and 15 minutes."""
    try:
        return os.getloadavg()
    except OSError:
        return None


def cpu_ticks(root: Path = _ROOT, *, cores: Iterable[int] | None = None) -> CpuTicks | None:
    """Return CPU seconds since boot, all processes together.

    Args:
        root: Root of the file system to look at.
        cores: Numbers of the cores to count; None counts the whole machine.
    """
    text = _text(root / "proc/stat") or ""
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


def memory_total_bytes(root: Path = _ROOT) -> int | None:
    """Return the machine's memory."""
    return _kilobytes(root / "proc/meminfo", "MemTotal")


def memory_available_bytes(root: Path = _ROOT) -> int | None:
    """Return how much memory a process could take without swapping."""
    return _kilobytes(root / "proc/meminfo", "MemAvailable")


def memory_limit_bytes(root: Path = _ROOT) -> int | None:
    """Return the tightest memory limit on this process: a container's, a service's or ulimit's."""
    text = _text(root / "proc/self/limits") or ""
    limits = [int(n) for n in re.findall(r"(?m)^Max (?:address space|data size) +(\d+)", text)]
    for folder in _cgroup_folders(root, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _number(folder / name)
            if limit is not None and limit < _UNLIMITED:
                limits.append(int(limit))
    return min(limits, default=None)


def cpu_quota(root: Path = _ROOT) -> float | None:
    """Return how many cores' worth of time a container may use; None is no limit."""
    quotas = []
    for folder in _cgroup_folders(root, "cpu"):
        quota, _, period = (_text(folder / "cpu.max") or "").strip().partition(" ")
        quota = quota or (_text(folder / "cpu.cfs_quota_us") or "").strip()
        period = period or (_text(folder / "cpu.cfs_period_us") or "").strip()
        if quota.isdecimal() and period.isdecimal():  # "max" and -1 are no limit
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def rss_bytes(root: Path = _ROOT) -> int | None:
    """Return this process's resident memory now."""
    return _kilobytes(root / "proc/self/status", "VmRSS")


def peak_rss_bytes(root: Path = _ROOT) -> int | None:
    """Return the most resident memory this process had; `getrusage` would include the parent's."""
    return _kilobytes(root / "proc/self/status", "VmHWM")


def _pi_bits(root: Path) -> int | None:
    text = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if text is None and root == _ROOT and (tool := shutil.which("vcgencmd")):
        try:
            answer = subprocess.run(
                [tool, "get_throttled"], capture_output=True, text=True, timeout=2, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        text = answer.stdout.partition("=")[2]
    found = re.fullmatch(r"(?:0x)?([0-9a-fA-F]+)", (text or "").strip())
    return int(found[1], 16) if found else None


def _cgroup_folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield this process's control group and its parents, version 2 and version 1."""
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / (controller if controllers else "")
        folder = top / path.lstrip("/")
        while folder != top and folder.is_relative_to(top):
            yield folder
            folder = folder.parent
        yield top


def _cpu_files(root: Path, name: str) -> Iterator[Path]:
    yield from (root / "sys/devices/system/cpu").glob(f"cpu[0-9]*/{name}")


def _values(text: str, key: str) -> list[str]:
    return re.findall(rf"^{re.escape(key)}\s*:[ \t]*(.+)$", text, re.MULTILINE)


def _kilobytes(path: Path, key: str) -> int | None:
    found = _values(_text(path) or "", key)
    return int(found[0].split()[0]) * 1024 if found else None


def _number(path: Path) -> float | None:
    text = (_text(path) or "").strip()
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:  # absent on this device, or for root only
        return None
