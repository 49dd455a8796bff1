"""Throughput of whole workers, the cost of idling, and a leak check.

    python tests/bench/bench_threads.py [--calls 2000] [--leak-model FILE] [-o FILE]

Throughput: JPEG files through `iter_features` with one and two threads, and through one inference
with two threads, in turns. Idle: the process's CPU time at ten frames a second against that of its
own calls, which says what waiting costs, and of as many calls made back to back, whose caches are
warm. Leak: resident memory over many calls, after a warm-up of 200, of frames
one by one, then of as many JPEG files on two threads. `--calls 50000` with a small model takes
two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from itertools import repeat
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edgefeat import FeatureExtractor

PHOTOS = Path(__file__).parents[1] / "data" / "photos"
FRAMES_PER_S = 10


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000, help="calls of the leak check")
    parser.add_argument("--leak-model", help="model of the leak check (default: the shipped one)")
    parser.add_argument("-o", type=Path, help="write JSON here")
    arguments = parser.parse_args()
    results: dict[str, Any] = {"throughput": _throughput(), "idle": _idle()}
    results["leak_mb"] = _leak(arguments.calls, arguments.leak_model)
    one = results["throughput"]["one worker"]
    for name, rate in results["throughput"].items():
        print(f"{name:<28}{rate:7.1f} photos/s  {rate / one:.2f}")  # noqa: T201
    for name, share in results["idle"].items():
        print(f"{'CPU at 10 frames/s':<28}{share:7.2f} of that of {name}")  # noqa: T201
    for name, growth in results["leak_mb"].items():
        print(f"{f'growth, {name}':<28}{growth:+7.2f} MB in {arguments.calls} calls")  # noqa: T201
    if arguments.o:
        arguments.o.write_text(json.dumps(results, indent=1))
    return 0


def _throughput(rounds: int = 5) -> dict[str, float]:
    files = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))] * 20
    with FeatureExtractor() as one, FeatureExtractor(threads=2) as two:
        ways = {
            "one worker": (one, 1),
            "two workers": (one, 2),
            "two threads in an inference": (two, 1),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, (extractor, threads) in ways.items():
                started = time.perf_counter()
                extractor.extract_batch(files, workers=threads)
                rates[name].append(len(files) / (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in rates.items()}


def _idle(frames: int = 100) -> dict[str, float]:
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    with FeatureExtractor() as extractor:
        for _ in range(20):
            extractor.extract(picture)
        busy = time.process_time()
        for _ in range(frames):
            extractor.extract(picture)
        busy = time.process_time() - busy
        paced, calls = time.process_time(), 0.0
        due = time.monotonic()
        for _ in range(frames):
            started = time.thread_time()
            extractor.extract(picture)
            calls += time.thread_time() - started
            due += 1 / FRAMES_PER_S
            time.sleep(max(0.0, due - time.monotonic()))
        paced = time.process_time() - paced
    return {"its calls": paced / calls, "calls back to back": paced / busy}


def _leak(calls: int, model: str | None) -> dict[str, float]:
    frame = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    photo = cv2.imencode(".jpg", frame)[1].tobytes()
    growth = {}
    with FeatureExtractor(model) as extractor:
        for name, picture, threads in (("frames", frame, 1), ("JPEG, two threads", photo, 2)):
            for _ in extractor.iter_features(repeat(picture, 200), workers=threads):
                pass
            before = _resident_mb()
            for _ in extractor.iter_features(repeat(picture, calls), workers=threads):
                pass
            growth[name] = _resident_mb() - before
    return growth


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    sys.exit(main())
