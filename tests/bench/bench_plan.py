"""What parts cost: CPU beside one machine's run, memory for a million names, sizes of a corpus.

    python tests/bench/bench_plan.py                    # needs edgefeat[remote]
    python tests/bench/bench_plan.py --names 100000     # quicker

CPU: whole processes in turn, on the same pictures; medians, and the ratio to `edgefeat extract`.
Memory: the peak of each command on a plan of so many names of empty files.
Sizes: core-hours, bytes and parts of larger corpora, as arithmetic from what was measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

import edgefeat

PICTURES, ROUNDS, SIDE = 400, 5, 348
EDGEFEAT = [sys.executable, "-m", "edgefeat"]
ADAPTER = """
import sys, pyarrow as pa
from pathlib import Path
from edgefeat.arrow import Featurise
work = Featurise(image="content", keep=["path"])
paths = sorted(map(str, Path("photos").iterdir()))
for first in range(0, len(paths), 64):
    some = paths[first:first + 64]
    table = pa.table({"path": some, "content": [Path(path).read_bytes() for path in some]})
    for batch in table.to_batches():
        work(batch)
"""


def run(command: list[str]) -> tuple[float, float, int]:
    """Return a command's CPU seconds, its peak in MiB, and its exit code."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, process.returncode


def make_photos() -> None:
    random = np.random.default_rng(0)
    Path("photos").mkdir()
    for number in range(PICTURES):
        small = random.integers(0, 256, (24, 24, 3), np.uint8)
        picture = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(f"photos/{number:04}.jpg", picture)


def measure_cpu() -> dict[str, float]:
    make_photos()
    run([*EDGEFEAT, "plan", "photos", "-o", "set"])
    ways = {
        "extract": [*EDGEFEAT, "extract", "photos", "-o", "whole.parquet", "--overwrite"],
        "part": [*EDGEFEAT, "extract", "--plan", "set", "--part", "0", "--overwrite"],
        "Featurise": [sys.executable, "-c", ADAPTER],
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, command in ways.items():
            cpu_s, _, code = run(command)
            assert code == 0, name
            seconds[name].append(cpu_s)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, median in medians.items():
        print(  # noqa: T201
            f"{name:10} {1e3 * median / PICTURES:6.2f} ms CPU a picture of {SIDE} pixels, "
            f"{median / medians['extract']:.3f} of extract"
        )
    return {name: median / medians["extract"] for name, median in medians.items()}


def measure_memory(names: int) -> dict[str, float]:
    for number in range(names):
        folder = Path(f"many/{number // 1000:06}")
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"a-name-of-usual-length-{number:09}.jpg").touch()
    part = ["extract", "--plan", "big", "--part", str(min(5, names // 16384))]
    peaks = {}
    for name, words in (
        ("plan", ["plan", "many", "-o", "big"]),
        ("--part 5", part),
        ("--status", ["plan", "--status", "big"]),
    ):
        _, peaks[name], code = run([*EDGEFEAT, *words])
        said = f"{name:10} {peaks[name]:6.0f} MiB at the peak, {names} names, exit code {code}"
        print(said)  # noqa: T201
    return peaks


def measure_sizes() -> dict[str, float]:
    """Measure a thumbnail, a large photo and a stored row; print what a corpus of them takes."""
    random = np.random.default_rng(1)
    small = random.integers(0, 256, (300, 400, 3), np.uint8)
    photo = cv2.resize(small, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite("large.jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 80])
    spent = {}
    with edgefeat.FeatureExtractor() as extractor:
        for name, path, count in (
            ("thumbnail", "photos/0000.jpg", 100),
            ("12 MP", "large.jpg", 20),
        ):
            extractor.extract(path)
            before_s = time.process_time()
            for _ in range(count):
                extractor.extract(path)
            spent[name] = 1e3 * (time.process_time() - before_s) / count
            kilobytes = Path(path).stat().st_size / 1e3
            print(f"{name:10} {spent[name]:6.1f} ms CPU, {kilobytes:.0f} kB")  # noqa: T201
    row_bytes = Path("set/part-000000.parquet").stat().st_size / PICTURES
    print(f"{'row':10} {row_bytes:6.0f} bytes as Parquet")  # noqa: T201
    for pictures in (10**6, 10**8, 10**9):
        hours = [pictures * one / 3.6e6 for one in spent.values()]
        said = f"{pictures:>13,} pictures: {hours[0]:,.1f} or {hours[1]:,.0f} core-hours"
        parts = -(-pictures // 16384)
        print(f"{said}, {pictures * row_bytes / 1e9:,.1f} GB, {parts:,} parts")  # noqa: T201
    return {**spent, "row_bytes": row_bytes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
        os.chdir(folder)
        found = {
            "cpu_ratio": measure_cpu(),
            "sizes": measure_sizes(),
            "peak_mib": measure_memory(arguments.names),
        }
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
