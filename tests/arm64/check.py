"""Runs the same photos on this machine and on emulated aarch64, and compares the vectors.

    python tests/arm64/check.py        used by `make test-arm64`; minutes, not seconds

The pixels must equal the committed hashes on both, int8 features must be equal bit for bit, fp32
features within 1e-5. The aarch64 side runs the real aarch64 wheels under qemu-user; the userland
is made once by `userland.sh`, in EDGEFEAT_ARM64 or the user's cache folder.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODELS = sorted(str(path) for path in (ROOT / "models").glob("*_lite0_*.onnx"))
FP32_RELATIVE_L2 = 1e-5


def main() -> int:
    """Print one line per comparison; return how many failed."""
    userland = _userland()
    subprocess.run(["sh", str(HERE / "userland.sh"), str(userland)], check=True)
    vectors = [str(HERE / "vectors.py"), *MODELS]
    here = _run([sys.executable, *vectors])
    emulated = f"qemu-aarch64-static -cpu cortex-a76 -L {userland / 'debian'}".split()
    path = f"PYTHONPATH={ROOT}:{userland / 'site'}"
    python = str(userland / "debian/usr/bin/python3.11")
    arm = _run([*emulated, "-E", path, "-E", "PYTHONDONTWRITEBYTECODE=1", python, *vectors])
    committed = json.loads((ROOT / "tests/data/pixels.json").read_text())
    failures = _report(f"pixels on {here['machine']}", here["pixels"] == committed)
    failures += _report(f"pixels on {arm['machine']}", arm["pixels"] == committed)
    for model in here["features"]:
        failures += _compare(model, here["features"][model], arm["features"][model])
    return failures


def _compare(model: str, here: dict[str, str], arm: dict[str, str]) -> int:
    if "int8" in model:
        return _report(f"{model}: every feature equal bit for bit", here == arm)
    worst = max(_relative_l2(_vector(here[name]), _vector(arm[name])) for name in here)
    return _report(f"{model}: relative L2 {worst:.1e}", worst <= FP32_RELATIVE_L2)


def _userland() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("EDGEFEAT_ARM64") or f"{cache}/edgefeat-arm64")


def _run(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=1800)
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
