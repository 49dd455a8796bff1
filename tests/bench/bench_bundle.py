"""A bundle beside edgefeat's own two steps: equal features, CPU time, size.

    python tests/bench/bench_bundle.py [MODEL.onnx] [--frame 640x480 ...] [--pixels rgb]

Makes each bundle in a temporary folder, holds 50 frames (photos, noise, all 0, all 255) to
`FeatureExtractor.extract`, and times both in turns on one thread: medians of CPU time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat import FeatureExtractor
from edgefeat.pictures.decode import load_bgr
from edgefeat_export import bundle

ROOT = Path(__file__).parents[2]
PHOTOS = sorted((ROOT / "tests/data/photos").glob("*.jpg"))
SIZES = ["320x240", "640x480", "1280x720", "1920x1080"]
TURNS = 40
Pixels = NDArray[np.uint8]


def main() -> int:
    """Print a row for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "model", nargs="?", default=ROOT / "models/efficientnet_lite0_224_int8.onnx"
    )
    parser.add_argument("--frame", action="append", metavar="WxH")
    parser.add_argument("--pixels", default="rgb", choices=("rgb", "bgr"))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    print("frame       equal     added kB  bundle ms  extract ms  ratio")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder, FeatureExtractor(arguments.model) as model:
        for text in arguments.frame or SIZES:
            width, height = map(int, text.split("x"))
            (made,) = bundle(arguments.model, [(height, width)], folder, pixels=arguments.pixels)
            with FeatureExtractor(made.path, cache=False) as ours:
                _row(text, made.size_bytes - made.core_size_bytes, ours, model, (height, width))
    return 0


def _row(
    name: str, added: int, ours: FeatureExtractor, model: FeatureExtractor, size: tuple[int, int]
) -> None:
    frames = _frames(size)
    prepared = [ours.prepare(frame) for frame in frames]
    equal = sum(
        ours.extract_prepared(raw[np.newaxis])[0].tobytes() == model.extract(frame).tobytes()
        for raw, frame in zip(prepared, frames, strict=True)
    )
    raw, frame = prepared[0][np.newaxis], frames[0]
    one, two = _in_turns(lambda: ours.extract_prepared(raw), lambda: model.extract(frame))
    print(  # noqa: T201
        f"{name:<11} {equal:>2} of {len(frames)}  {added / 1e3:8.1f}  {one * 1e3:9.2f}"
        f"  {two * 1e3:10.2f}  {one / two:5.2f}"
    )


def _frames(size: tuple[int, int]) -> list[Pixels]:
    frames = [
        cv2.resize(load_bgr(path), size[::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8)
        for path in PHOTOS[:20]
    ]
    frames += [np.full((*size, 3), level, np.uint8) for level in (0, 255)]
    rng = np.random.default_rng(0)
    while len(frames) < 50:
        frames.append(rng.integers(0, 256, (*size, 3), np.uint8))
    return frames


def _in_turns(*work: Callable[[], object]) -> list[float]:
    seconds: list[list[float]] = [[] for _ in work]
    for _ in range(TURNS):
        for function, spent in zip(work, seconds, strict=True):
            started = time.thread_time()
            function()
            spent.append(time.thread_time() - started)
    return [statistics.median(spent) for spent in seconds]


if __name__ == "__main__":
    sys.exit(main())
