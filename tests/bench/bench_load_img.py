"""What another resize changes: features of `keras.utils.load_img`'s pixels beside edgefeat's own.

    python tests/bench/bench_load_img.py [PHOTO...]

The same float model takes both pictures, so only the resize differs. Without photos it takes those
of the tests. Needs the export environment.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

import edgefeat

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "efficientnet_lite0_224_fp32.onnx"
PHOTOS = ROOT / "tests" / "data" / "photos"
WAYS = ("nearest", "bilinear", "bicubic", "lanczos", "box")


def main() -> None:
    import keras

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", nargs="*", type=Path, default=sorted(PHOTOS.glob("*.jpg")))
    photos: list[Path] = parser.parse_args().photos
    sys.stdout.write(f"{'cosine to edgefeat':20} {' '.join(f'{way:>9}' for way in WAYS)}\n")
    with edgefeat.FeatureExtractor(MODEL) as fx:
        size_hw = fx.spec.input.size_hw
        for photo in photos:
            ours, cosines = fx.extract(photo), []
            for way in WAYS:  # "nearest" is what load_img does if it is not told otherwise
                loaded = keras.utils.load_img(photo, target_size=size_hw, interpolation=way)
                theirs = fx.extract_prepared(np.asarray(loaded, np.uint8)[np.newaxis])[0]
                cosines.append(float(edgefeat.cosine_similarity(ours, theirs)))
            sys.stdout.write(f"{photo.name:20} {' '.join(f'{one:9.3f}' for one in cosines)}\n")


if __name__ == "__main__":
    main()
