"""Prints, as JSON, hashes of what this CPU makes of the sample photos: pixels, then features.

    python tests/cpus/vectors.py            pixels for every way of preprocessing
    python tests/cpus/vectors.py MODEL...   and each model's features for the photos, in full

Run on any CPU, the pixel hashes equal `tests/data/pixels.json`; that is the promise of the product.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from edgefeat.model.probe import probe_image
from edgefeat.model.spec import (
    Colour,
    DecodePolicy,
    InputSpec,
    Interpolation,
    ResizeMode,
    ResizeSpec,
)
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.preprocess import Preprocessor

PHOTOS = Path(__file__).parents[1] / "data" / "photos"
EXPECTED = Path(__file__).parents[1] / "data" / "pixels.json"
# Below, between and above two and four times 224; odd; wide; tall; the exact mean and each of the
# stages: several halvings, means of neighbours, a Gaussian.
SIZES = [
    (100, 150),
    (240, 320),
    (480, 640),
    (576, 720),
    (1080, 1440),
    (1080, 1920),
    (720, 1280),
    (224, 1120),
    (1120, 1120),
    (1440, 1080),
    (1799, 2407),
    (900, 300),
    (756, 1008),
    (3000, 4000),
    (481, 641),
    (577, 721),
    (1079, 1919),
    (2161, 3843),
]


def pixel_hashes() -> dict[str, str]:
    """Return the sha256 of the model's input for every case, by name."""
    hashes = {}
    for mode, interpolation in product(ResizeMode, Interpolation):
        resize = ResizeSpec(mode=mode, interpolation=interpolation)
        prepare = Preprocessor.from_spec(InputSpec(size_hw=(224, 224), resize=resize))
        for height, width in SIZES:
            image = probe_image(7, (height, width))
            hashes[f"{mode} {interpolation} {height}x{width}"] = _sha256(prepare(image))
        for height, width in SIZES[::2]:
            hashes[f"{mode} {interpolation} {height}x{width} stripes"] = _sha256(
                prepare(_stripes(height, width))
            )
    for decode, size in product(DecodePolicy, [(224, 224), (96, 96), (64, 160)]):
        spec = InputSpec(size_hw=size, resize=ResizeSpec(decode=decode))
        prepare = Preprocessor.from_spec(spec)
        for path in sorted(PHOTOS.glob("*.jpg")):
            frame = load_bgr(path, keep_side=prepare.keep_side)
            hashes[f"{path.name} {decode} {size[0]}x{size[1]}"] = _sha256(prepare(frame))
    grey = Preprocessor.from_spec(InputSpec(size_hw=(96, 96), colour=Colour.GREY))
    hashes["grey 480x640"] = _sha256(grey(probe_image(7, (480, 640))))
    return hashes


def features(model: str) -> dict[str, str]:
    """Return each photo's features in full: base64 of little-endian float32."""
    from edgefeat import FeatureExtractor

    with FeatureExtractor(model) as extractor:
        return {
            path.name: base64.b64encode(extractor.extract(path).astype("<f4").tobytes()).decode()
            for path in sorted(PHOTOS.glob("*.jpg"))
        }


def _stripes(height: int, width: int) -> np.ndarray[Any, Any]:
    """Black and white beside each other in both directions: what comes nearest to saturating."""
    image = np.zeros((height, width, 3), np.uint8)
    image[::3] = 255
    image[:, ::2] = 255
    return image


def _sha256(array: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


if __name__ == "__main__":
    document: dict[str, Any] = {"machine": platform.machine(), "pixels": pixel_hashes()}
    document["features"] = {Path(model).stem: features(model) for model in sys.argv[1:]}
    json.dump(document, sys.stdout, indent=1)
