"""Makes the same int8 graphs on this machine and on emulated CPUs, and compares them.

    python tests/cpus/builds.py                    with NumPy and OpenBLAS held to older CPUs
    python tests/cpus/builds.py --emulate x86      and on a Haswell (AVX2) and a Westmere (SSE4.2)
    python tests/cpus/builds.py --emulate arm64    and on a Cortex-A76 and a Cortex-A72
    python tests/cpus/builds.py -n 128             with as many pictures as the release

Used by `make test-builds`; minutes, not seconds. Three small networks and the release's float
graph are quantized. Graphs and calibration pictures must be equal to the last bit everywhere.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import emulated

FP32 = emulated.ROOT / "models" / "efficientnet_lite0_224_fp32.onnx"


def main() -> int:
    """Print one line per comparison; return how many failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--emulate", choices=("arm64", "x86"), help="whole CPUs too, by qemu")
    parser.add_argument(
        "-n", type=int, default=4, metavar="PICTURES", help="to calibrate the release's graph on"
    )
    given = parser.parse_args()
    # Several threads wait for each other by spinning: dear where CPUs are few, or emulated.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    script = [str(emulated.SCRIPTS / "int8_graph.py"), "--model", str(FP32), "-n", str(given.n)]
    whole = {None: (), "arm64": emulated.arm64(), "x86": emulated.x86()}[given.emulate]
    here, failures = emulated.this_one().json(*script), 0
    for cpu in itertools.chain(emulated.held_back(), whole):
        started = time.monotonic()
        there = cpu.json(*script)
        for name, found in here.items():
            failures += emulated.report(f"{cpu.name}: {name}", passed=found == there[name])
        print(f"        {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
    return failures


if __name__ == "__main__":
    sys.exit(main())
