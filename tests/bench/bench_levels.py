"""What a cosine of the shipped model means, and how well its levels find copies among photos.

    python tests/bench/bench_levels.py           measures the levels, as an export does
    python tests/bench/bench_levels.py PHOTOS    holds them against a folder of photos
    python tests/bench/bench_levels.py CIFAR10.npz
                                                 counts different pictures that reach them

All take `--model FILE`. In a folder every photo stands with its eight changed copies: shown are
the copies that are found, and pairs of different photos that reach a level too. `--same A,B` names
two files that show one scene, `--at .83,.9` holds cosines of your own against the photos too.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

import edgefeat
from edgefeat.listing.listing import expand
from edgefeat.model.shipped import default_model
from edgefeat.model.spec import Similarity
from edgefeat_export.proof import copies, likeness


def hold(levels: Similarity, model: str, folder: str, same: list[str], own: list[float]) -> None:
    """Print what the levels, and cosines of your own, find among photos and their copies."""
    files = expand(folder)
    rows: list[Any] = []
    whose: list[int] = []
    scene: int | None = None
    with edgefeat.FeatureExtractor(model, normalize=True) as extractor:
        for number, file in enumerate(files):
            photo = extractor.decode(file)
            changes = [copies.changed(photo, change) for change in copies.CHANGES]
            rows.append(extractor.extract_batch([photo, *changes], workers=None))
            if Path(file).name in same:
                scene = number if scene is None else scene
            whose.append(scene if scene is not None and Path(file).name in same else number)
    every = np.stack(rows)
    flat, origins = every.reshape(-1, every.shape[-1]), np.repeat(whose, every.shape[1])
    others = (flat @ flat.T)[np.triu(origins[:, None] != origins, 1)]
    found = {
        change: np.einsum("nd,nd->n", every[:, 0], every[:, 1 + i])
        for i, change in enumerate(copies.CHANGES)
    }
    tried = {name: getattr(levels, name) for name in ("same", "near", "look")}
    for name, least in (*tried.items(), *(("at", cosine) for cosine in own)):
        total = np.mean([(cosines >= least).mean() for cosines in found.values()])
        false = int((others >= least).sum())
        sys.stdout.write(
            f"{name} {least:.2f}: {total:.3f} of all copies found, {false} false pairs of "
            f"{len(others)}\n"
        )
        for change, cosines in found.items():
            sys.stdout.write(f"    {change:<26} {(cosines >= least).mean():.3f}\n")


def count_alike(levels: Similarity, model: str, file: str, own: list[float]) -> None:
    """Print how many pairs of different pictures of CIFAR-10's test set reach the levels."""
    with np.load(file) as data:
        pictures, kinds = data["x_test"], data["y_test"].ravel()
    with edgefeat.FeatureExtractor(model, normalize=True) as extractor:
        rows = extractor.extract_batch(list(pictures), colour="rgb", workers=None)
    pairs = np.triu(np.ones((len(rows), len(rows)), bool), 1)
    cosines, of_one_kind = (rows @ rows.T)[pairs], (kinds[:, None] == kinds)[pairs]
    tried = {name: getattr(levels, name) for name in ("same", "near", "look")}
    for name, least in (*tried.items(), *(("at", cosine) for cosine in own)):
        reached = cosines >= least
        sys.stdout.write(
            f"{name} {least:.2f}: {reached.sum()} of {len(cosines)} pairs, "
            f"{(reached & of_one_kind).sum()} of them of one kind\n"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="?")
    parser.add_argument("--model", default=default_model())
    parser.add_argument("--same", default="", metavar="NAME,NAME")
    parser.add_argument("--at", default="", metavar="COSINE,COSINE")
    arguments = parser.parse_args()
    with edgefeat.FeatureExtractor(arguments.model) as extractor:
        stated = extractor.spec.similarity
        if arguments.photos is None:
            found, others = likeness.measure_cosines(extractor, None, say=print)
            for change, cosines in found.items():
                low, middle = np.quantile(cosines, [0.05, 0.5])
                sys.stdout.write(f"{change:<26} p5 {low:.3f}  median {middle:.3f}\n")
            sys.stdout.write(f"{likeness.thresholds(found, others)}\n")
            return
    if stated is None:
        raise SystemExit(f"{arguments.model}: its file states no levels")
    own = [float(cosine) for cosine in arguments.at.split(",") if cosine]
    if arguments.photos.endswith(".npz"):
        count_alike(stated, arguments.model, arguments.photos, own)
        return
    hold(stated, arguments.model, arguments.photos, arguments.same.split(","), own)


if __name__ == "__main__":
    main()
