"""The antialiasing resize and the reduced JPEG decode: time and fidelity against exact area.

    python tests/bench/bench_resize.py [-o FILE]        under three minutes
    python tests/bench/bench_resize.py --forms          the exact way's two graphs, old and new

Times: medians, one thread, in turns of a call that is not timed and four that are, as a share of
cv2's INTER_AREA (frames) or of a full decode with INTER_AREA (JPEG). Fidelity: cosine of the fp32
and int8 models' features to the same model's features of the exact area mean (float64, rounded
once), mean and minimum over real photos.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat import FeatureExtractor, cosine_similarity
from edgefeat.engine.cpu import open_session, session_options
from edgefeat.pictures import resize
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.resize import area, areagraph

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "photos"
PHOTOS = sorted((SHARED if SHARED.exists() else ROOT / "tests/data/photos").glob("*.jpg"))[::4]
# What cameras give, and sizes that go in stages.
SIZES = [
    (240, 320),
    (360, 640),
    (480, 640),
    (576, 720),
    (600, 800),
    (768, 1024),
    (720, 1280),
    (1024, 1280),
    (1120, 1120),
    (1080, 1920),
    (1200, 1600),
    (1536, 2048),
    (1440, 2560),
    (1799, 2407),
    (2160, 3840),
    (3000, 4000),
    (481, 641),
    (769, 1023),
    (1081, 1921),
]
TARGET = (224, 224)
Pixels = NDArray[np.uint8]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", type=Path, help="write JSON here")
    parser.add_argument("--forms", action="store_true", help="compare the exact way's two graphs")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.forms:
        return _compare_forms()
    models = [
        FeatureExtractor(ROOT / f"models/efficientnet_lite0_224_{precision}.onnx")
        for precision in ("fp32", "int8")
    ]
    rows = []
    print("size        way        ms   share   fp32 mean/min    int8 mean/min")  # noqa: T201
    for size in SIZES:
        for way, cells in _measure(size, models).items():
            rows.append({"size": size, "way": way} | cells)
            fidelity = "  ".join(f"{mean:.4f}/{low:.4f}" for mean, low in cells["fidelity"])
            name = f"{size[1]}x{size[0]}"
            print(f"{name:<11} {way:<8} {cells['ms']:6.2f}  {cells['share']:.2f}  {fidelity}")  # noqa: T201
    if arguments.o:
        arguments.o.write_text(json.dumps(rows, indent=1))
    return 0


def _compare_forms() -> int:
    """Print the CPU time of both graphs of the exact way, in turns, and which one is taken."""
    print("size        windows ms  repeats ms  ratio  taken")  # noqa: T201
    for size in SIZES:
        if not area.fits(size, TARGET):
            continue
        frame = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        runs = [_form(frame, cuts=cuts) for cuts in (False, True)]
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(60):
            for run, spent in zip(runs, seconds, strict=True):
                started = time.thread_time()
                run()
                spent.append(time.thread_time() - started)
        windows, repeats = (statistics.median(spent) * 1e3 for spent in seconds)
        taken = "repeats" if areagraph.build(size, TARGET)[1].windows[0].shape[0] > 1 else "windows"
        name = f"{size[1]}x{size[0]}"
        print(f"{name:<11} {windows:10.2f} {repeats:11.2f} {repeats / windows:6.2f}  {taken}")  # noqa: T201
    return 0


def _form(frame: Pixels, *, cuts: bool) -> Callable[[], object]:
    graph, plan = areagraph.build(frame.shape[:2], TARGET, cuts=cuts)
    session = open_session(graph, session_options(arena=False, optimise=False))
    return lambda: session.run(
        ["means"], {w.name: frame[w.first : w.after].reshape(w.shape) for w in plan.windows}
    )


def _measure(size: tuple[int, int], models: list[FeatureExtractor]) -> dict[str, dict[str, Any]]:
    ways: dict[str, list[list[float]]] = {"area": [], "ours": [], "linear": [], "jpeg": []}
    for path in PHOTOS:
        frame = _photo(path, size)
        data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
        decoded = load_bgr(data)
        exact, exact_jpeg = _area(frame), _area(decoded)
        for way, pixels, reference in (
            ("area", cv2.resize(frame, TARGET[::-1], interpolation=cv2.INTER_AREA), exact),
            ("ours", resize.antialias(frame, TARGET), exact),
            ("linear", resize.bilinear(frame, TARGET), exact),
            ("jpeg", resize.antialias(load_bgr(data, keep_side=504), TARGET), exact_jpeg),
        ):
            ways[way].append(
                [
                    float(cosine_similarity(_vector(m, pixels), _vector(m, reference)))
                    for m in models
                ]
            )
    times = _times(
        {
            "area": lambda: cv2.resize(frame, TARGET[::-1], interpolation=cv2.INTER_AREA),
            "ours": lambda: resize.antialias(frame, TARGET),
            "linear": lambda: resize.bilinear(frame, TARGET),
            "full": lambda: cv2.resize(load_bgr(data), TARGET[::-1], interpolation=cv2.INTER_AREA),
            "jpeg": lambda: resize.antialias(load_bgr(data, keep_side=504), TARGET),
        }
    )
    return {
        way: {
            "ms": times[way],
            "share": times[way] / times["full" if way == "jpeg" else "area"],
            "fidelity": [(statistics.mean(c), min(c)) for c in zip(*cosines, strict=True)],
        }
        for way, cosines in ways.items()
    }


def _photo(path: Path, size: tuple[int, int]) -> Pixels:
    frame = load_bgr(path)
    if frame.shape[0] > frame.shape[1]:
        frame = np.ascontiguousarray(np.rot90(frame))
    larger = size[0] > frame.shape[0]
    how = cv2.INTER_CUBIC if larger else cv2.INTER_AREA
    return cv2.resize(frame, size[::-1], interpolation=how).astype(np.uint8, copy=False)


def _vector(model: FeatureExtractor, pixels: Pixels) -> NDArray[np.float32]:
    return model.extract_prepared(np.ascontiguousarray(pixels[np.newaxis, ..., ::-1]))[0]


def _area(pixels: Pixels) -> Pixels:
    values = pixels.astype(np.float32)
    for axis, target in enumerate(TARGET):
        n = values.shape[axis]
        edges = np.arange(target + 1) * n / target
        cells = np.arange(n)[None]
        overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
        weights = np.clip(overlap, 0, None)
        weights = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
        values = np.moveaxis(np.tensordot(weights, values, (1, axis)), 0, axis)
    return np.rint(values).astype(np.uint8)


def _times(work: dict[str, Callable[[], Any]], turns: int = 15) -> dict[str, float]:
    samples: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(turns):
        for name, function in work.items():
            for timed in (False, True, True, True, True):
                started = time.perf_counter()
                function()
                if timed:
                    samples[name].append((time.perf_counter() - started) * 1e3)
    return {name: statistics.median(values) for name, values in samples.items()}


if __name__ == "__main__":
    sys.exit(main())
