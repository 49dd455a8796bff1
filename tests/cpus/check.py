"""Runs the same photos on this machine and on emulated CPUs, and compares the vectors.

    python tests/cpus/check.py arm64     Cortex-A76 (dot products) and Cortex-A72 (none)
    python tests/cpus/check.py x86       Haswell (AVX2, no VNNI) and Westmere (SSE4.2)

    python tests/cpus/check.py x86 --decoders            every format's pixels, to the byte
    python tests/cpus/check.py x86 --sources             frames of each kind of source, to the bit
    python tests/cpus/check.py x86 --taught              what taught files answer, to the bit
    python tests/cpus/check.py x86 --bundles FOLDER      frames through the bundles of a folder

Used by `make test-arm64` and `make test-x86`; minutes, not seconds. The pixels must equal the
committed hashes everywhere, int8 features must be equal bit for bit, fp32 features within 1e-5.
For aarch64 the real wheels run in a userland made once by `userland.sh`, in EDGEFEAT_ARM64 or the
user's cache folder.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import emulated
from emulated import Cpu

MODELS = sorted(str(path) for path in (emulated.ROOT / "models").glob("*_lite0_*.onnx"))
FP32_RELATIVE_L2 = 1e-5
PROBABILITY = 1e-6
VIDEO_COSINE = 0.995  # FFmpeg rounds colours in another way on Arm than on x86
NOT_PROMISED = "irreversible=True"  # lossy JPEG 2000, which is computed in floating point


def main() -> int:
    """Print one line per comparison; return how many failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("family", choices=("arm64", "x86"))
    parser.add_argument("--bundles", type=Path, help="folder of bundles of the int8 model, bgr")
    parser.add_argument("--decoders", action="store_true", help="which decoders agree to the byte")
    parser.add_argument("--sources", action="store_true", help="frames of each kind of source")
    parser.add_argument("--taught", action="store_true", help="what taught files answer")
    arguments = parser.parse_args()
    cpus = emulated.arm64() if arguments.family == "arm64" else emulated.x86()
    if arguments.decoders:
        return _decoders(cpus)
    if arguments.sources:
        return _sources(cpus)
    if arguments.taught:
        return _answers(cpus)
    if arguments.bundles is not None:
        return _frames(cpus, sorted(arguments.bundles.glob("*.onnx")))
    vectors = [str(emulated.SCRIPTS / "vectors.py"), *MODELS]
    committed = json.loads((emulated.ROOT / "tests/data/pixels.json").read_text())
    here = emulated.this_one().json(*vectors)
    failures = emulated.report(f"{here['machine']}: pixels", passed=here["pixels"] == committed)
    for cpu in cpus:
        there = cpu.json(*vectors)
        failures += emulated.report(f"{cpu.name}: pixels", passed=there["pixels"] == committed)
        for model in here["features"]:
            name = f"{cpu.name}: {model}"
            failures += _compare(name, here["features"][model], there["features"][model])
    return failures


def _frames(cpus: Iterator[Cpu], bundles: list[Path]) -> int:
    """Hold frames through bundles to the model behind them, on every CPU."""
    (int8,) = (path for path in MODELS if "int8" in path)
    words = [str(emulated.SCRIPTS / "frames.py"), int8, *map(str, bundles)]
    here = emulated.this_one().json(*words)
    count = sum(map(len, here["hashes"].values()))
    sound = count > 0 and not here["unequal"]
    failures = emulated.report(f"here: {count} frames as the model's", passed=sound)
    for cpu in cpus:
        there = cpu.json(*words)
        what = f"{cpu.name}: {count} frames as the model's"
        failures += emulated.report(what, passed=not there["unequal"])
        same = there["hashes"] == here["hashes"]
        failures += emulated.report(f"{cpu.name}: the same bits as here", passed=same)
    return failures


def _decoders(cpus: Iterator[Cpu]) -> int:
    """Tell which pictures, in every format, give other pixels on another CPU."""
    script, failures = str(emulated.SCRIPTS / "decoders.py"), 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, script, "make", folder], check=True)
        here = emulated.this_one().json(script, folder)
        for cpu in cpus:
            there = cpu.json(script, folder)
            other = [name for name in here if here[name] != there[name]]
            same = f"{cpu.name}: {len(here) - len(other)} of {len(here)} pictures, to the byte"
            passed = all(NOT_PROMISED in name for name in other)
            failures += emulated.report(same, passed=passed)
            for name in other:
                print(f"        other pixels: {name}")  # noqa: T201
    return failures


def _sources(cpus: Iterator[Cpu]) -> int:
    """Hold frames of each kind of source to the committed hashes, and video's to those here."""
    (int8,) = (path for path in MODELS if "int8" in path)
    words = [str(emulated.SCRIPTS / "sources.py"), int8]
    committed = json.loads((emulated.ROOT / "tests/data/frames.json").read_text())
    here, failures = emulated.this_one().json(*words), 0
    for name, found in (("here", here), *((cpu.name, cpu.json(*words)) for cpu in cpus)):
        equal = sum(found["hashes"].get(key) == value for key, value in committed.items())
        what = f"{name}: {equal} of {len(committed)} hashes of JPEGs and raw frames"
        failures += emulated.report(what, passed=found["hashes"] == committed)
        for key, features in found["video"].items():  # PyAV is not in every userland
            cosine = _cosine(_vector(features), _vector(here["video"][key]))
            what = f"{name}: H.264 by {key}: cosine {cosine:.4f}"
            failures += emulated.report(what, passed=cosine >= VIDEO_COSINE)
    return failures


def _answers(cpus: Iterator[Cpu]) -> int:
    """Hold what taught files answer on other CPUs to what they answer here, to the bit."""
    script, failures = str(emulated.SCRIPTS / "answers.py"), 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, script, "teach", folder], check=True)
        here = emulated.this_one().json(script, folder)
        for cpu in cpus:
            there = cpu.json(script, folder)
            for model, columns in here.items():
                for name, expected in columns.items():
                    got = there[model][name]
                    what = f"{cpu.name}: {model}: {name}"
                    if name == "probabilities":
                        worst = max(abs(a - b) for a, b in zip(got, expected, strict=True))
                        passed = worst <= PROBABILITY
                        failures += emulated.report(f"{what} within {worst:.1e}", passed=passed)
                    else:
                        failures += emulated.report(f"{what} equal", passed=got == expected)
    return failures


def _compare(what: str, here: dict[str, str], there: dict[str, str]) -> int:
    if "int8" in what:
        return emulated.report(f"{what}: every feature equal bit for bit", passed=here == there)
    worst = max(_relative_l2(_vector(here[name]), _vector(there[name])) for name in here)
    return emulated.report(f"{what}: relative L2 {worst:.1e}", passed=worst <= FP32_RELATIVE_L2)


def _vector(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), "<f4")


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _relative_l2(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(a))


if __name__ == "__main__":
    sys.exit(main())
