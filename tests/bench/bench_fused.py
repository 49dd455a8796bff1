"""The whole decision beside its backbone: what a head and columns add to the time of a photo.

    python tests/bench/bench_fused.py [--rounds 40]

Heads of each family are fitted on parts of the sample photos with two numbers and a word, and put
behind the shipped int8 model; one is taught. Then every file runs ten times on one prepared photo,
in another order each round, in one thread. The first two of the ten do not count: a device runs one
file, so the one that ran before it should not be what its memory is filled with. The time is the
thread's own CPU time, so what others do on the machine counts little; the ratio is that of medians,
with its interval from 1,000 resamples of the rounds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

import edgefeat
from edgefeat.engine.cpu import open_session, session_options
from edgefeat.model.shipped import default_model, sample_photos
from edgefeat_export import attach
from head_pipelines import columns, imputed

ROWS, HELD, RUNS, SKIPPED = 160, 32, 10, 2
FAMILIES: dict[str, tuple[Any, ...]] = {
    "logistic regression": (LogisticRegression(max_iter=500),),
    "PCA(64) + logistic": (PCA(64), LogisticRegression(max_iter=500)),
    "histogram boosting": (HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=5),),
    "forest of 50": (RandomForestClassifier(50, random_state=0),),
    "support vectors": (SVC(),),
    "5 neighbours": (KNeighborsClassifier(5),),
}


def rows_in(folder: Path) -> Any:
    """Return a frame of parts of the sample photos, a folder a kind, with columns beside them."""
    draw, rows = np.random.default_rng(0), []
    for number in range(ROWS):
        path = sample_photos()[number % 3]
        photo = np.asarray(cv2.imread(str(path)))
        height, width = photo.shape[:2]
        top, left = draw.integers(0, height // 2), draw.integers(0, width // 2)
        place = folder / path.stem / f"{number}.png"
        place.parent.mkdir(exist_ok=True, parents=True)
        cv2.imwrite(str(place), photo[top : top + height // 2, left : left + width // 2])
        price = float("nan") if number % 10 == 3 else draw.normal()
        row = {"path": str(place), "kind": path.stem, "width": draw.normal(), "price": price}
        rows.append({**row, "shop": ("Rome", "Paris", "Oslo")[draw.integers(3)]})
    return pd.DataFrame(rows)


def files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield names and places of the files: the backbone first."""
    yield "backbone", str(default_model())
    table = rows_in(folder / "photos")
    edgefeat.teach(folder / "photos", folder / "taught.onnx")
    yield "taught", str(folder / "taught.onnx")
    fit, held = table[HELD:], table[:HELD].reset_index(drop=True)
    for name, steps in FAMILIES.items():
        steps_of = (columns(imputed()), *steps)
        pipeline = make_pipeline(*steps_of).fit(fit, fit["kind"])
        place = folder / f"{name}.onnx"
        attach(pipeline, default_model(), held, place)
        yield name, str(place)


def feeds_of(session: Any, picture: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what a file takes: the picture, and a row beside it."""
    row = {
        "width": np.array([[0.3]]),
        "price": np.array([[np.nan]]),
        "shop": np.array([["Rome"]], dtype=object),
    }
    names = [one.name for one in session.get_inputs()]
    return {name: picture if name == "image" else row[name] for name in names}


def measure(places: dict[str, str], rounds: int) -> NDArray[np.float64]:
    """Return CPU milliseconds: float64 `(rounds, runs, files)`."""
    with edgefeat.FeatureExtractor() as extractor:
        picture = extractor.prepare(sample_photos()[0])[np.newaxis]
    sessions = [open_session(place, session_options()) for place in places.values()]
    feeds = [feeds_of(session, picture) for session in sessions]
    draw, found = np.random.default_rng(0), np.zeros((rounds, RUNS, len(sessions)))
    for number in range(rounds):
        for place in draw.permutation(len(sessions)):
            for run in range(RUNS):
                began = time.thread_time_ns()
                sessions[place].run(None, feeds[place])
                found[number, run, place] = (time.thread_time_ns() - began) / 1e6
    return found[:, SKIPPED:]


def main() -> None:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgefeat-") as folder:
        places = dict(files(Path(folder)))
        sizes = [Path(place).stat().st_size for place in places.values()]
        times = measure(places, arguments.rounds)
    draws = np.random.default_rng(1).integers(0, len(times), (1000, len(times)))
    medians = np.stack([np.median(times[rounds], axis=(0, 1)) for rounds in draws])
    lines = [f"{'':22}{'p50 ms':>8}  beside the backbone (95 %)     added kB"]
    for at, name in enumerate(places):
        p50 = np.median(times[..., at])
        ratio = p50 / np.median(times[..., 0])
        low, high = np.percentile(medians[:, at] / medians[:, 0], [2.5, 97.5])
        added = (sizes[at] - sizes[0]) / 1e3
        lines.append(f"{name:22}{p50:8.2f}  {ratio:.3f} ({low:.3f} to {high:.3f}){added:16.0f}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
