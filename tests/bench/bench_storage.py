"""What `--store` costs: size, fidelity and neighbours of stored vectors against float32.

    python tests/bench/bench_storage.py [-o FILE.json] [--pictures 500]

Pictures are CIFAR-10 test images from the shared folder, or 24-pixel windows of the committed
photos where it is absent. Neighbours are cosine ones among all pictures, the picture itself left
out: how often the nearest is the same, and how many of the nearest ten are.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import edgefeat
from edgefeat.errors import ImageError
from edgefeat.many.batches import default_workers, features_in_order
from edgefeat.sets.encoding import Store, encode

ROOT = Path(__file__).parent.parent.parent
CIFAR10 = ROOT.parent / "shared" / "data" / "cifar10" / "cifar10.npz"
PHOTOS = ROOT / "tests" / "data" / "photos"


def pictures(count: int) -> tuple[str, list[NDArray[np.uint8]]]:
    """Return where the pictures are from, and the pictures: uint8, BGR."""
    if CIFAR10.is_file():
        with np.load(CIFAR10) as data:
            return "CIFAR-10 test images", list(data["x_test"][:count, :, :, ::-1])
    draw, windows = np.random.default_rng(0), []
    photos = [cv2.imread(str(path)) for path in sorted(PHOTOS.glob("*.jpg"))]
    for number in range(count):
        photo = photos[number % len(photos)]
        top, left = draw.integers(photo.shape[0] - 24), draw.integers(photo.shape[1] - 24)
        windows.append(photo[top : top + 24, left : left + 24])
    return "windows of the sample photos", windows


def nearest(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return each row's ten nearest other rows, best first."""
    cosines = edgefeat.cosine_similarity(features, features)
    np.fill_diagonal(cosines, -2)
    return np.argsort(-cosines, axis=1, kind="stable")[:, :10]


def compare(exact: NDArray[np.float32], store: Store) -> dict[str, float]:
    """Return the figures of one way to store."""
    stored = encode(exact, store)
    kept, best = stored.decode(), nearest(exact)
    lengths = np.linalg.norm(exact, axis=1)
    cosines = (exact * kept).sum(axis=1) / (lengths * np.linalg.norm(kept, axis=1))
    found = nearest(kept)
    scales = 0 if stored.scales is None else stored.scales.nbytes
    overlap = [len(set(a) & set(b)) / 10 for a, b in zip(best, found, strict=True)]
    return {
        "bytes_each": (stored.numbers.nbytes + scales) / len(exact),
        "cosine_mean": float(cosines.mean()),
        "cosine_min": float(cosines.min()),
        "relative_l2_max": float((np.linalg.norm(kept - exact, axis=1) / lengths).max()),
        "same_nearest": float((best[:, 0] == found[:, 0]).mean()),
        "overlap_at_10": float(np.mean(overlap)),
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="also write JSON")
    parser.add_argument("--pictures", type=int, default=500)
    arguments = parser.parse_args()
    source, images = pictures(arguments.pictures)
    with edgefeat.FeatureExtractor() as extractor:
        outcomes = features_in_order(extractor, images, workers=default_workers())
        exact = np.stack([row for row in outcomes if not isinstance(row, ImageError)])
    found = {str(store): compare(exact, store) for store in Store}
    columns = list(found["f32"])
    lines = [f"{len(exact)} {source}", f"{'store':<6}" + "".join(f"{c:>17}" for c in columns)]
    for store, figures in found.items():
        lines.append(f"{store:<6}" + "".join(f"{figures[c]:>17.6g}" for c in columns))
    sys.stdout.write("\n".join(lines) + "\n")
    if arguments.output:
        facts = {"pictures": len(exact), "source": source, "stores": found}
        arguments.output.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
