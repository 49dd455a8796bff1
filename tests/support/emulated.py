"""How to run Python on another CPU: emulated by qemu, or with libraries held to what it can do.

qemu-user has no AVX-512, so x86 with that and without VNNI (Skylake-SP) is not among its CPUs.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
SCRIPTS: Final = ROOT / "tests" / "cpus"
X86: Final = ("Haswell", "Westmere")  # AVX2 without VNNI, and SSE4.2
_MOST_SECONDS: Final = 3600
_CORE: Final = "processor\t: 0\nFeatures\t: {}\nCPU implementer\t: 0x41\nCPU part\t: {}\n\n"
_FEATURES: Final = "fp asimd aes pmull sha1 sha2 crc32 cpuid"
ARM64: Final = {
    "cortex-a76": _CORE.format(
        f"{_FEATURES} atomics asimdhp asimdrdm lrcpc dcpop asimddp", "0xd0b"
    ),
    "cortex-a72": _CORE.format(_FEATURES, "0xd08"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """A CPU that Python can be run on.

    Attributes:
        name: What a report calls it.
        python: The command that runs Python there.
        environment: Variables to set for it.
    """

    name: str
    python: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def json(self, *arguments: str) -> Any:
        """Run a Python script there; return what it printed, read as JSON.

        Args:
            arguments: The script, and what it is given.
        """
        try:
            done = subprocess.run(
                [*self.python, *arguments],
                capture_output=True,  # shown if it fails: qemu warns of all that it lacks
                timeout=_MOST_SECONDS,
                env=os.environ | self.environment,
                text=True,
            )
        except FileNotFoundError as error:
            hint = "apt-get install qemu-user-static"
            raise SystemExit(f"{error.filename} is missing: {hint}") from error
        if done.returncode:
            raise SystemExit(f"{self.name}: exit code {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)


def this_one() -> Cpu:
    """Return this machine's CPU as it is."""
    return Cpu(name=platform.machine(), python=[sys.executable])


def held_back() -> list[Cpu]:
    """Return this x86 CPU with NumPy and OpenBLAS held to what older ones can do; else nothing."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return []
    script = "from numpy._core import _multiarray_umath as m; print(*m.__cpu_dispatch__)"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    groups = found.stdout.split()  # such as X86_V3, which is AVX2, and X86_V4, which is AVX-512
    cpus = []
    for core, kept in (("Haswell", {"AVX", "F16C", "FMA3", "AVX2", "X86_V3"}), ("Nehalem", set())):
        disabled = " ".join(group for group in groups if group not in kept)
        cpus.append(
            Cpu(
                name=f"{core} kernels of OpenBLAS and NumPy",
                python=[sys.executable, "-W", "ignore::ImportWarning"],
                environment={"OPENBLAS_CORETYPE": core, "NPY_DISABLE_CPU_FEATURES": disabled},
            )
        )
    return cpus


def x86(names: Sequence[str] = X86) -> Iterator[Cpu]:
    """Yield emulated x86 CPUs that run this machine's own Python."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise SystemExit("emulating x86 runs this machine's own Python: it needs an x86-64 machine")
    # What is kept for this CPU must not run on another, and /proc/cpuinfo still shows this one.
    emulated = ["qemu-x86_64-static", "-E", "EDGEFEAT_CACHE=off"]
    for name in names:
        yield Cpu(name=f"emulated {name}", python=[*emulated, "-cpu", name, sys.executable])


def arm64() -> Iterator[Cpu]:
    """Yield emulated Arm CPUs; the real aarch64 wheels run in a userland made by `userland.sh`."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    userland = Path(os.environ.get("EDGEFEAT_ARM64") or f"{cache}/edgefeat-arm64")
    subprocess.run(["sh", str(SCRIPTS / "userland.sh"), str(userland)], check=True)
    path = f"PYTHONPATH={ROOT}:{ROOT / 'export'}:{userland / 'site'}"
    python = str(userland / "debian/usr/bin/python3.11")
    for name, described in ARM64.items():
        # ONNX Runtime reads it, and qemu would show the host's; what is below -L comes first.
        (userland / "debian/proc/cpuinfo").write_text(described)
        emulated = f"qemu-aarch64-static -cpu {name} -L {userland / 'debian'}".split()
        yield Cpu(
            name=f"emulated {name}",
            python=[*emulated, "-E", path, "-E", "PYTHONDONTWRITEBYTECODE=1", python],
        )


def report(what: str, *, passed: bool) -> int:
    """Print one line of the result; return 1 for a failure, to be counted."""
    print(f"{'ok    ' if passed else 'FAILED'}  {what}", flush=True)  # noqa: T201
    return 0 if passed else 1
