"""What `edgefeat.host` makes of the files of devices other than this one."""

import os
from pathlib import Path

import pytest

from edgefeat.host import machine, throttling
from edgefeat.host.machine import CpuTicks


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def pi(tmp_path: Path) -> Path:
    core = (
        "processor\t: {}\nFeatures\t: fp asimd asimdhp asimddp\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\n"
    )
    return tree(
        tmp_path,
        {
            "proc/cpuinfo": "".join(core.format(n) for n in range(4)),
            "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
            "proc/stat": (
                "cpu  100 0 50 800 50 0 0 10 0 0\ncpu0 9 1 0 2 3 0 0 4 0 0\ncpu1 90 0 0 5\n"
            ),
            "proc/meminfo": "MemTotal:        8245788 kB\nMemFree: 1 kB\n",
            "proc/self/status": "VmHWM:\t   90000 kB\nVmRSS:\t   80000 kB\n",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand\n",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "2400000\n",
            "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "2400000\n",
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
            "sys/class/thermal/thermal_zone0/temp": "84500\n",
            "sys/class/thermal/cooling_device0/type": "pwm-fan\n",
            "sys/class/thermal/cooling_device0/cur_state": "4\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        },
    )


def test_raspberry_pi(pi: Path) -> None:
    cpu = machine.processor(pi)
    assert (cpu.model, cpu.board) == ("Cortex-A76", "Raspberry Pi 5 Model B Rev 1.0")
    assert cpu.int8_dot
    assert throttling.governors(pi) == ("ondemand",)
    assert throttling.frequencies_mhz(pi) == (1500.0, 2400.0)
    assert throttling.temperatures_c(pi) == {"cpu-thermal": 84.5}
    assert throttling.throttled_now(pi) == (
        "Raspberry Pi: under-voltage",
        "Raspberry Pi: throttled",
    )
    assert machine.memory_total_bytes(pi) == 8245788 * 1024
    assert (machine.rss_bytes(pi), machine.peak_rss_bytes(pi)) == (80000 * 1024, 90000 * 1024)


def test_cpu_time_of_the_machine(pi: Path) -> None:
    ticks = machine.cpu_ticks(pi)
    assert ticks is not None
    assert ticks.idle_s / ticks.busy_s == pytest.approx(850 / 150)
    assert ticks.steal_s / ticks.busy_s == pytest.approx(10 / 150)


def test_cpu_time_of_some_cores(pi: Path) -> None:
    hertz = os.sysconf("SC_CLK_TCK")
    ticks = CpuTicks(busy_s=10 / hertz, idle_s=5 / hertz, steal_s=4 / hertz)
    assert machine.cpu_ticks(pi, cores={0}) == ticks
    both = machine.cpu_ticks(pi, cores={0, 1})  # an old kernel lists four numbers
    assert both is not None
    assert (both.busy_s, both.idle_s) == pytest.approx((100 / hertz, 10 / hertz))
    assert machine.cpu_ticks(pi, cores={0, 7}) is None


def test_jetson(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "sys/class/hwmon/hwmon3/oc1_event_cnt": "0\n",
            "sys/class/hwmon/hwmon3/oc3_event_cnt": "7\n",
            "sys/class/thermal/cooling_device3/type": "cpu-throttle-alert\n",
            "sys/class/thermal/cooling_device3/cur_state": "1\n",
        },
    )
    assert throttling.throttle_counts(root) == {
        "Jetson over-current oc1": 0,
        "Jetson over-current oc3": 7,
    }
    assert throttling.throttled_now(root) == ("cooling by slowing down: cpu-throttle-alert",)


def test_container_on_x86(tmp_path: Path) -> None:
    cpu = "model name\t: Some CPU\nflags\t\t: sse4_1 avx avx2\ncpu MHz\t\t: 2300.5\n"
    root = tree(
        tmp_path,
        {
            "proc/cpuinfo": cpu,
            "proc/self/cgroup": "0::/box/inner\n",
            "sys/fs/cgroup/box/memory.max": "536870912\n",
            "sys/fs/cgroup/box/inner/memory.max": "max\n",
            "sys/fs/cgroup/box/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/box/inner/cpu.max": "max 100000\n",
            "sys/fs/cgroup/box/cpu.stat": "usage_usec 5\nnr_throttled 12\n",
            "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3\n",
            "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4\n",
        },
    )
    assert machine.processor(root).flags == ("sse4_1", "avx", "avx2")
    assert not machine.processor(root).int8_dot
    assert machine.memory_limit_bytes(root) == 536870912
    assert machine.cpu_quota(root) == 1.5
    assert throttling.throttle_counts(root) == {
        "x86 core thermal throttling": 7,
        "container CPU quota": 12,
    }


def test_old_control_groups(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/job\n1:cpu,cpuacct:/\n",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1073741824\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "proc/self/limits": "Max data size  2147483648  unlimited  bytes\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        },
    )
    assert machine.memory_limit_bytes(root) == 1073741824
    assert machine.cpu_quota(root) is None


def test_nothing_readable_is_unknown_not_a_guess(tmp_path: Path) -> None:
    assert machine.cpu_ticks(tmp_path) is None
    assert machine.memory_limit_bytes(tmp_path) is None
    assert throttling.frequencies_mhz(tmp_path) == (None, None)
    assert throttling.temperatures_c(tmp_path) == {}
    assert throttling.throttled_now(tmp_path) == ()
    assert throttling.throttle_counts(tmp_path) == {}


def test_this_machine() -> None:
    assert machine.processor().logical_cores >= 1
    peak, now = machine.peak_rss_bytes(), machine.rss_bytes()
    assert peak is not None
    assert now is not None
    assert peak >= now // 2 > 0
