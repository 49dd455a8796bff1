"""A machine that is not fit to be measured on is told apart, on the files of such machines."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefeat.bench.conditions import Watch
from edgefeat.bench.results import SingleStream
from edgefeat.bench.single_stream import Series
from edgefeat.bench.summary import single_stream

THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
COUNT = "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def calm_run() -> SingleStream:
    clock = np.array([[0.0, 0.2, 0.3, 2.0]] * 160) * 1e6
    calls_s = np.full(160, 0.002)
    series = Series(
        clock_ns=clock.astype(np.int64),
        yardstick_ns=np.full(160, 100_000),
        wall_s=calls_s,
        cpu_s=calls_s,
    )
    return single_stream([series])


def test_a_calm_machine_is_valid(tmp_path: Path, calm_run: SingleStream) -> None:
    assert Watch(tmp_path).verdict([calm_run]).invalid == ()


def test_a_hot_board_is_invalid(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    write(tmp_path, THROTTLED, "4\n")
    assert watch.verdict().invalid == ("Raspberry Pi: throttled",)


def test_a_slow_down_between_two_looks_is_seen(tmp_path: Path) -> None:
    write(tmp_path, COUNT, "5\n")
    watch = Watch(tmp_path)
    write(tmp_path, COUNT, "8\n")
    assert watch.verdict().invalid == ("slowed down: x86 package thermal throttling, 3 times",)


def test_other_processes_and_a_hypervisor_are_seen(tmp_path: Path) -> None:
    write(tmp_path, "proc/stat", "cpu  100 0 0 100 0 0 0 0 0 0\n")
    watch = Watch(tmp_path)
    write(tmp_path, "proc/stat", "cpu  9000100 0 0 100 0 0 0 1000000 0 0\n")
    busy, shared = watch.verdict().invalid
    assert busy.startswith("busy machine: other processes used ")
    assert shared == "shared machine: the hypervisor took 10% of the time away"


def test_a_starved_run_is_invalid_unless_threads_explain_it(
    tmp_path: Path, calm_run: SingleStream
) -> None:
    starved = replace(calm_run, cpu_share=0.5)
    watch = Watch(tmp_path)
    assert watch.verdict([starved]).invalid == (
        "starved: the benchmark had a CPU only 50% of its time",
    )
    assert watch.verdict([starved], one_thread=False).invalid == ()


def test_a_run_that_changes_its_speed_is_invalid(tmp_path: Path, calm_run: SingleStream) -> None:
    drifting = replace(calm_run, steady=False, level_spread=1.25)
    reason = "unsteady: the speed changed by 25% during the run"
    assert Watch(tmp_path).verdict([drifting]).invalid == (reason,)


def test_a_slow_governor_is_noted(tmp_path: Path) -> None:
    write(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n")
    write(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "600000\n")
    write(tmp_path, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "1500000\n")
    conditions = Watch(tmp_path).verdict()
    assert conditions.invalid == ()
    governor, frequency = conditions.notes
    assert governor.startswith("governor powersave: the CPU may not run at full speed")
    assert frequency == "a core ran at 600 of 1500 MHz"
