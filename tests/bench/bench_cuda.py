"""The model on CUDA: parity with the CPU, the first call, the steady state, and batches.

    python tests/bench/bench_cuda.py [--models DIR] [-n 200] [-o FILE]

Needs onnxruntime-gpu in place of onnxruntime, and a GPU; ends with an error where CUDA does not
run, for nothing is measured on anything else. For fp32 and fp16 (those of the two that are in DIR):
the time to open with the warm-up that opening includes, the first and the median call, images per
second by batch, and how far features of the probe and of noise are from the CPU's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat import EdgefeatError, FeatureExtractor, cosine_similarity

MODELS = Path(__file__).parents[2] / "models"
PRECISIONS = ("fp32", "fp16")
BATCHES = (1, 2, 4, 8, 16, 32, 64)
# Convolutions summed in another order differ by 1e-6; TF32 by 1e-3, half precision by 1e-2.
ALLOWED = {"fp32": 1e-4, "fp16": 2e-2}


def main() -> int:
    """Print the figures; 1 where features are too far from the CPU's, 3 without CUDA."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=MODELS, help="folder of the model files")
    parser.add_argument("-n", type=int, default=200, help="calls of each kind")
    parser.add_argument("-o", type=Path, help="write JSON here")
    arguments = parser.parse_args()
    paths = {kind: sorted(arguments.models.glob(f"*_{kind}.onnx")) for kind in PRECISIONS}
    rows = []
    try:
        for kind, files in paths.items():
            for path in files:
                rows.append(_measure(path, kind, arguments.n))
                _show(rows[-1])
    except EdgefeatError as error:
        print(f"bench_cuda: {error}", file=sys.stderr)  # noqa: T201
        return 3
    if not rows:
        parser.error(f"no fp32 or fp16 model in {arguments.models}")
    if arguments.o:
        arguments.o.write_text(json.dumps(rows, indent=1))
    return 0 if all(row["relative_l2_max"] <= row["allowed"] for row in rows) else 1


def _measure(path: Path, kind: str, calls: int) -> dict[str, Any]:
    started = time.perf_counter()
    with FeatureExtractor(path, providers=["cuda", "cpu"], strict=True) as gpu:
        opened = time.perf_counter() - started
        height, width = gpu.spec.input.size_hw
        shape = (max(BATCHES), height, width, gpu.spec.input.channels)
        pictures = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        first, median = _calls(gpu, pictures[:1], calls)
        rates = {}
        for batch in BATCHES:
            _, seconds = _calls(gpu, pictures[:batch], max(10, calls // batch))
            rates[batch] = batch / seconds
        passed = gpu.self_test()
        features = gpu.extract_prepared(pictures)
        running = gpu.providers
    with FeatureExtractor(path) as cpu:
        expected = cpu.extract_prepared(pictures)
    distances = np.linalg.norm(features - expected, axis=1) / np.linalg.norm(expected, axis=1)
    cosines = [float(cosine_similarity(*pair)) for pair in zip(features, expected, strict=True)]
    return {
        "model": path.name,
        "providers": running,
        "self_test": passed.describe(),
        "open_ms": opened * 1e3,
        "first_ms": first * 1e3,
        "median_ms": median * 1e3,
        "images_per_s": rates,
        "relative_l2_max": float(distances.max()),
        "allowed": ALLOWED[kind],
        "cosine_min": min(cosines),
    }


def _calls(
    extractor: FeatureExtractor, pictures: NDArray[np.uint8], count: int
) -> tuple[float, float]:
    """Return the seconds of the first call and of the median one."""
    samples = []
    for _ in range(count):
        started = time.perf_counter()
        extractor.extract_prepared(pictures)
        samples.append(time.perf_counter() - started)
    return samples[0], statistics.median(samples)


def _show(row: dict[str, Any]) -> None:
    rates = "  ".join(f"{batch}: {rate:.0f}" for batch, rate in row["images_per_s"].items())
    verdict = "as on the CPU" if row["relative_l2_max"] <= row["allowed"] else "TOO FAR"
    print(  # noqa: T201
        f"{row['model']} on {', '.join(row['providers'])}; {row['self_test']}\n"
        f"  open {row['open_ms']:.0f} ms, first call {row['first_ms']:.2f} ms, "
        f"median {row['median_ms']:.3f} ms\n"
        f"  images/s by batch  {rates}\n"
        f"  features: relative L2 to the CPU at most {row['relative_l2_max']:.1e}, "
        f"cosine at least {row['cosine_min']:.6f}: {verdict}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
