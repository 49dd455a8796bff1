"""Prints, for each bundle, the hash of the features of every frame; the model's must be the same.

    python tests/cpus/frames.py MODEL.onnx BUNDLE.onnx...

Run by check.py on this machine and on emulated CPUs. Frames are noise, all 0, all 255 and pictures
of rectangles, made from whole numbers. Bundles take bgr frames.
"""

from __future__ import annotations

import hashlib
import json
import sys

import numpy as np

from edgefeat import FeatureExtractor
from edgefeat.model.probe import probe_image


def main() -> int:
    """Print one JSON object; return how many frames gave other features than the model."""
    model, *bundles = sys.argv[1:]
    hashes: dict[str, list[str]] = {}
    unequal = 0
    with FeatureExtractor(model, cache=False) as core:
        for path in bundles:
            with FeatureExtractor(path, cache=False) as ours:
                assert ours.spec.frame is not None
                size_hw = ours.spec.frame.size_hw
                found = hashes[f"{size_hw[1]}x{size_hw[0]}"] = []
                frames = [np.full((*size_hw, 3), level, np.uint8) for level in (0, 255)]
                frames += [probe_image(seed, size_hw) for seed in (2, 3)]
                noise = np.random.default_rng(0)
                frames += [noise.integers(0, 256, (*size_hw, 3), np.uint8) for _ in range(2)]
                for frame in frames:
                    got, want = ours.extract(frame).tobytes(), core.extract(frame).tobytes()
                    unequal += got != want
                    found.append(hashlib.sha256(got).hexdigest())
    json.dump({"hashes": hashes, "unequal": unequal}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
