"""Peak memory of building one network, step by step, each precision in a process of its own.

    python tests/bench/bench_build_memory.py [densenet121 ...] [--precision fp32,int8]

Networks have random weights, unless a saved model is named. The first figure of a line is the
largest resident size so far, TensorFlow's import included.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=["densenet121"])
    parser.add_argument("--precision", default="fp32,int8")
    parser.add_argument("--calibrate", help="folder of photos for int8 (default: packages')")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.alone:
        _build(args.networks[0], args.alone, args.calibrate)
        return 0
    rows = []
    for network in args.networks:
        for precision in args.precision.split(","):
            command = [sys.executable, __file__, network, "--alone", precision]
            command += ["--calibrate", args.calibrate] if args.calibrate else []
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            *steps, last = done.stdout.splitlines()
            sys.stdout.write("\n".join([f"{network} {precision}", *steps, last]) + "\n")
            sys.stdout.flush()
            rows.append(
                {"network": network, "precision": precision, "peak_gb": float(last.split()[0])}
            )
    if args.output:
        args.output.write_text(json.dumps(rows, indent=1) + "\n")
    return 0


def _build(network: str, precision: str, calibrate: str | None) -> None:
    from dataclasses import fields

    from edgefeat_export import NetworkRequest, build
    from edgefeat_export.proof.gates import Gates

    started = time.perf_counter()

    def say(line: str) -> None:
        spent = f"{time.perf_counter() - started:6.0f} s, CPU {time.process_time():6.0f} s"
        sys.stdout.write(f"{_peak_gb():5.2f} GB  {spent}  {line[:80]}\n")

    own = Path(network).exists()
    with tempfile.TemporaryDirectory() as folder:
        build(
            network if own else NetworkRequest(network, weights="none"),
            folder,
            precisions=[precision],
            calibrate=calibrate if precision == "int8" else None,
            gates={f"{precision}.{gate.name}": None for gate in fields(Gates)},
            say=say,
        )
    say("done")


def _peak_gb() -> float:
    """Return the process's largest resident size, which `getrusage` takes over from its parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    raise OSError("/proc/self/status has no VmHWM")


if __name__ == "__main__":
    sys.exit(main())
