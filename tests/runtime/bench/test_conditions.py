"""A machine that is not fit to be measured on is told apart, on the files of such machines."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgefeat.bench.conditions import Watch
from edgefeat.bench.load_results import SingleStream
from edgefeat.bench.statistics.summary import single_stream
from known_runs import in_process

THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
COUNT = "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def calm_run() -> SingleStream:
    return single_stream([in_process(np.full(160, 2.0), yardstick_ms=0.1, cpu_share=1.0)])


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


def stat(busy: int, stolen: int) -> str:
    """`/proc/stat` in which the cores of this process, and one other, were busy for so long."""
    mine = sorted(os.sched_getaffinity(0))
    lines = [f"cpu{core} {busy} 0 0 100 0 0 0 {stolen} 0 0" for core in mine]
    return "\n".join([*lines, f"cpu{mine[-1] + 1} 88000000 0 0 100 0 0 0 0 0 0", ""])


def test_other_processes_and_a_hypervisor_are_seen(tmp_path: Path) -> None:
    times = iter([1000.0, 1100.0])  # the process itself used no CPU time worth mentioning
    hertz, cores = os.sysconf("SC_CLK_TCK"), len(os.sched_getaffinity(0))
    write(tmp_path, "proc/stat", stat(busy=0, stolen=0))
    watch = Watch(tmp_path, clock=lambda: next(times))
    write(tmp_path, "proc/stat", stat(busy=90 * hertz, stolen=10 * hertz))
    conditions = watch.verdict()
    assert conditions.others_cores == pytest.approx(0.9 * cores, abs=0.01)
    usable = "the core" if cores == 1 else f"the {cores} cores"
    assert conditions.invalid == (
        f"busy machine: other processes took 90% of {usable} that this process may use",
        "shared machine: the hypervisor took 10% of the time away",
    )


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
    assert conditions.notes == (
        "governor powersave: the CPU may not run at full speed; `performance` gives steadier "
        "figures",
        "a core ran at 600 of 1500 MHz",
    )
