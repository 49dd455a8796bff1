"""What slows this machine down: governors, frequencies, heat, and limits on a container.

Everything that cannot be read is None or empty, never a guess; see `edgefeat.host.linux_files`.

Sources: kernel Documentation/ABI (cpufreq, thermal_throttle), the Raspberry Pi firmware's
`get_throttled` bits, NVIDIA Jetson's `soctherm` over-current counters.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from edgefeat.host.linux_files import (
    ROOT,
    cgroup_folders,
    cpu_files,
    read_number,
    read_text,
    values_of,
)

__all__ = [
    "frequencies_mhz",
    "governors",
    "temperatures_c",
    "throttle_counts",
    "throttled_now",
]

_PI_NOW = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


def governors(root: Path = ROOT) -> tuple[str, ...]:
    """Return the different frequency governors of the cores, such as `("performance",)`."""
    found = (read_text(path) for path in cpu_files(root, "cpufreq/scaling_governor"))
    return tuple(sorted({text.strip() for text in found if text}))


def frequencies_mhz(root: Path = ROOT) -> tuple[float | None, float | None]:
    """Return the slowest core's frequency now and the fastest that any core may reach, in MHz.

    Without cpufreq the first is `/proc/cpuinfo`'s reading, which virtual machines fix.
    """
    now = [n for p in cpu_files(root, "cpufreq/scaling_cur_freq") if (n := read_number(p))]
    most = [n for p in cpu_files(root, "cpufreq/cpuinfo_max_freq") if (n := read_number(p))]
    if now:
        return min(now) / 1000, max(most) / 1000 if most else None
    told = values_of(read_text(root / "proc/cpuinfo") or "", "cpu MHz")
    return (min(float(value) for value in told) if told else None), None


def temperatures_c(root: Path = ROOT) -> dict[str, float]:
    """Return the thermal zones by name, in degrees Celsius; of a shared name the hottest."""
    zones: dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        reading = read_number(zone / "temp")
        if reading is None or reading <= 0:  # switched-off zones read 0 or negative
            continue
        name = (read_text(zone / "type") or zone.name).strip()
        zones[name] = max(zones.get(name, 0.0), reading / 1000)
    return zones


def throttled_now(root: Path = ROOT) -> tuple[str, ...]:
    """Return why the machine is being slowed down at this moment; empty where nothing says so."""
    bits = _pi_bits(root) or 0
    reasons = [f"Raspberry Pi: {text}" for bit, text in _PI_NOW.items() if bits >> bit & 1]
    for device in sorted((root / "sys/class/thermal").glob("cooling_device*")):
        kind = (read_text(device / "type") or "").strip()
        # Fans and idle injection are cooling devices too: only those that slow the CPU count.
        if re.search(r"cpufreq|^Processor$|throttle", kind) and read_number(device / "cur_state"):
            reasons.append(f"cooling by slowing down: {kind}")
    return tuple(dict.fromkeys(reasons))


def throttle_counts(root: Path = ROOT) -> dict[str, int]:
    """Return counters of slow-downs since boot: a run during which one grew was disturbed.

    x86 thermal throttling, Jetson over-current events, and CPU quota of a container.
    """
    counts = {
        name: sum(int(read_number(path) or 0) for path in paths)
        for name in ("core", "package")
        if (paths := list(cpu_files(root, f"thermal_throttle/{name}_throttle_count")))
    }
    counts = {f"x86 {name} thermal throttling": count for name, count in counts.items()}
    for path in sorted((root / "sys/class/hwmon").glob("hwmon*/oc*_event_cnt")):
        counts[f"Jetson over-current {path.name.split('_')[0]}"] = int(read_number(path) or 0)
    for folder in cgroup_folders(root, "cpu"):
        found = re.search(
            r"^nr_throttled (\d+)", read_text(folder / "cpu.stat") or "", re.MULTILINE
        )
        if found:
            key = "container CPU quota"
            counts[key] = counts.get(key, 0) + int(found[1])
    return counts


def _pi_bits(root: Path) -> int | None:
    text = read_text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if text is None and root == ROOT and (tool := shutil.which("vcgencmd")):
        try:
            answer = subprocess.run(
                [tool, "get_throttled"], capture_output=True, text=True, timeout=2, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        text = answer.stdout.partition("=")[2]
    found = re.fullmatch(r"(?:0x)?([0-9a-fA-F]+)", (text or "").strip())
    return int(found[1], 16) if found else None
