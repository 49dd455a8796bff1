"""The machine that was measured on, as records; part of the JSON of a report.

Memory ends in `_bytes`. A null is something that could not be read. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Conditions", "Machine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What does not change during a run.

    Attributes:
        cpu: Name of the CPU.
        board: Name of the board, such as a Raspberry Pi's; null if the system names none.
        architecture: Name of the instruction set, such as `x86_64` or `aarch64`.
        cores: Logical cores that the process may use.
        flags: Instructions of the CPU that decide how fast a network runs.
        int8_dot: Whether the CPU multiplies int8 vectors in one instruction without saturating.
        memory_bytes: Memory of the machine.
        memory_limit_bytes: Tightest memory limit on the process; null is none.
        cpu_quota: Cores' worth of time that a container may use; null is no limit.
        system: Name and release of the operating system.
        versions: Versions of Python, edgefeat and its dependencies.
        install_bytes: What edgefeat and its dependencies take on disk.
    """

    cpu: str
    board: str | None
    architecture: str
    cores: int
    flags: tuple[str, ...]
    int8_dot: bool
    memory_bytes: int | None
    memory_limit_bytes: int | None
    cpu_quota: float | None
    system: str
    versions: Mapping[str, str]
    install_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the machine was doing during a run.

    Attributes:
        invalid: Why the figures are not to be believed; empty if they are.
        notes: What may have made the figures worse.
        duration_s: How long the run took.
        others_cores: Cores' worth of time that other processes used, on the cores that the
            benchmark may use.
        steal: Share of the time that a hypervisor took away.
        load_average: System load over 1, 5 and 15 minutes before the run.
        governors: Frequency governors of the cores.
        frequency_mhz: Frequency of the slowest core after the run.
        max_frequency_mhz: Highest frequency that a core may reach.
        temperatures_c: Temperature of each thermal zone after the run, in degrees Celsius.
        throttled: Why the machine was slowed down before or after the run; empty if it was not.
    """

    invalid: tuple[str, ...]
    notes: tuple[str, ...]
    duration_s: float
    others_cores: float | None
    steal: float | None
    load_average: tuple[float, ...] | None
    governors: tuple[str, ...]
    frequency_mhz: float | None
    max_frequency_mhz: float | None
    temperatures_c: Mapping[str, float]
    throttled: tuple[str, ...]
