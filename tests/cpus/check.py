"""Runs the same photos on this machine and on emulated CPUs, and compares the vectors.

    python tests/cpus/check.py arm64     Cortex-A76 (dot products) and Cortex-A72 (none)
    python tests/cpus/check.py x86       Haswell (AVX2, no VNNI) and Westmere (SSE4.2)

    python tests/cpus/check.py x86 --bundles FOLDER      frames through the bundles of a folder

Used by `make test-arm64` and `make test-x86`; minutes, not seconds. The pixels must equal the
committed hashes everywhere, int8 features must be equal bit for bit, fp32 features within 1e-5.

The CPUs are qemu-user's. It has no AVX-512, so x86 with that and without VNNI (Skylake-SP) is not
among them. For aarch64 the real wheels run in a userland made once by `userland.sh`, in
EDGEFEAT_ARM64 or the user's cache folder.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODELS = sorted(str(path) for path in (ROOT / "models").glob("*_lite0_*.onnx"))
FP32_RELATIVE_L2 = 1e-5
_CORE = "processor\t: 0\nFeatures\t: {}\nCPU implementer\t: 0x41\nCPU part\t: {}\n\n"
_FEATURES = "fp asimd aes pmull sha1 sha2 crc32 cpuid"
ARM64 = {
    "cortex-a76": _CORE.format(
        f"{_FEATURES} atomics asimdhp asimdrdm lrcpc dcpop asimddp", "0xd0b"
    ),
    "cortex-a72": _CORE.format(_FEATURES, "0xd08"),
}
X86 = ("Haswell", "Westmere")


def main() -> int:
    """Print one line per comparison; return how many failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=("arm64", "x86"))
    parser.add_argument("--bundles", type=Path, help="folder of bundles of the int8 model, bgr")
    arguments = parser.parse_args()
    commands = _on_arm64() if arguments.family == "arm64" else _on_x86()
    if arguments.bundles is not None:
        return _frames(commands, sorted(arguments.bundles.glob("*.onnx")))
    vectors = [str(HERE / "vectors.py"), *MODELS]
    committed = json.loads((ROOT / "tests/data/pixels.json").read_text())
    here = _run([sys.executable, *vectors])
    failures = _report(f"{here['machine']}: pixels", here["pixels"] == committed)
    for cpu, command in commands:
        there = _run([*command, *vectors])
        failures += _report(f"{cpu}: pixels", there["pixels"] == committed)
        for model in here["features"]:
            name = f"{cpu}: {model}"
            failures += _compare(name, here["features"][model], there["features"][model])
    return failures


def _frames(commands: Iterator[tuple[str, list[str]]], bundles: list[Path]) -> int:
    """Hold frames through bundles to the model behind them, on every CPU."""
    (int8,) = (path for path in MODELS if "int8" in path)
    words = [str(HERE / "frames.py"), int8, *map(str, bundles)]
    here = _run([sys.executable, *words])
    count = sum(map(len, here["hashes"].values()))
    failures = _report(f"here: {count} frames as the model's", count > 0 and not here["unequal"])
    for cpu, command in commands:
        there = _run([*command, *words])
        failures += _report(f"{cpu}: {count} frames as the model's", not there["unequal"])
        failures += _report(f"{cpu}: the same bits as here", there["hashes"] == here["hashes"])
    return failures


def _on_arm64() -> Iterator[tuple[str, list[str]]]:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    userland = Path(os.environ.get("EDGEFEAT_ARM64") or f"{cache}/edgefeat-arm64")
    subprocess.run(["sh", str(HERE / "userland.sh"), str(userland)], check=True)
    path = f"PYTHONPATH={ROOT}:{userland / 'site'}"
    python = str(userland / "debian/usr/bin/python3.11")
    for cpu, described in ARM64.items():
        # ONNX Runtime reads it, and qemu would show the host's; what is below -L comes first.
        (userland / "debian/proc/cpuinfo").write_text(described)
        emulated = f"qemu-aarch64-static -cpu {cpu} -L {userland / 'debian'}".split()
        yield cpu, [*emulated, "-E", path, "-E", "PYTHONDONTWRITEBYTECODE=1", python]


def _on_x86() -> Iterator[tuple[str, list[str]]]:
    if platform.machine() not in ("x86_64", "AMD64"):
        raise SystemExit("test-x86: runs this machine's own Python, so it needs an x86-64 machine")
    # What is kept for this CPU must not run on another, and /proc/cpuinfo still shows this one.
    emulated = ["qemu-x86_64-static", "-E", "EDGEFEAT_CACHE=off"]
    for cpu in X86:
        yield cpu, [*emulated, "-cpu", cpu, sys.executable]


def _compare(what: str, here: dict[str, str], there: dict[str, str]) -> int:
    if "int8" in what:
        return _report(f"{what}: every feature equal bit for bit", here == there)
    worst = max(_relative_l2(_vector(here[name]), _vector(there[name])) for name in here)
    return _report(f"{what}: relative L2 {worst:.1e}", worst <= FP32_RELATIVE_L2)


def _run(command: list[str]) -> dict[str, Any]:
    try:
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=1800)
    except FileNotFoundError as error:
        hint = "apt-get install qemu-user-static"
        raise SystemExit(f"{error.filename} is missing: {hint}") from error
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _vector(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4")


def _relative_l2(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(a))


def _report(what: str, passed: bool) -> int:
    print(f"{'ok    ' if passed else 'FAILED'}  {what}", flush=True)  # noqa: T201
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
