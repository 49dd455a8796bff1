"""Latency and memory in the box: the first vector, the median one, and the peak.

Exits with 1 where the process itself needs more than the box allows or a vector is not finite.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time

import numpy as np

import edgefeat

PEAK_MB = 128


def main() -> int:
    """Print one line of figures."""
    started = time.perf_counter()
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    with edgefeat.FeatureExtractor() as extractor:
        vector = extractor.extract(picture)
        first = time.perf_counter() - started
        samples = []
        for _ in range(50):
            begun = time.perf_counter()
            extractor.extract(picture)
            samples.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(  # noqa: T201
        f"640x480 frame to int8 feature: first {first * 1e3:.0f} ms, "
        f"median {statistics.median(samples) * 1e3:.1f} ms, peak {peak:.0f} MB"
    )
    return 0 if peak < PEAK_MB and np.isfinite(vector).all() else 1


if __name__ == "__main__":
    sys.exit(main())
