"""The whole decision beside its backbone: what a head and columns add to the time of a photo.

    python tests/bench/bench_fused.py [--rounds 80]

Heads of each family are fitted on 160 parts of the sample photos, of eight kinds, with two numbers
and a word, compared with scikit-learn on 96 others, and put behind the shipped int8 model; one is
taught. Then every file runs ten times on one prepared photo, in another order each round, in one
thread; all are opened anew every four rounds. The first two of the ten do not count: a device runs
one file, so the one that ran before it should not be what its memory is filled with. The time is
the thread's own CPU time, so what others do on the machine counts little. A round's ratio is that
of its medians; told are the median of the rounds and its interval from 1,000 resamples of them.
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

ROWS, HELD, KINDS = 256, 96, 8
RUNS, SKIPPED, PER_SITTING = 10, 2, 4
FAMILIES: dict[str, tuple[Any, ...]] = {
    "logistic regression": (LogisticRegression(max_iter=500),),
    "PCA(64) + logistic": (PCA(64), LogisticRegression(max_iter=500)),
    "histogram boosting": (HistGradientBoostingClassifier(max_iter=20),),
    "forest of 50": (RandomForestClassifier(50, random_state=0),),
    "support vectors": (SVC(),),
    "5 neighbours": (KNeighborsClassifier(5),),
}


def rows_in(folder: Path) -> Any:
    """Return a frame of parts of the sample photos, a folder a kind, with columns beside them."""
    draw, rows = np.random.default_rng(0), []
    for number in range(ROWS):
        kind = number % KINDS
        photo = np.asarray(cv2.imread(str(sample_photos()[kind % 3])))
        height, width = (side // 2 for side in photo.shape[:2])
        corner = kind // 3 * np.array([height, width]) // 2
        top, left = corner + draw.integers(-9, 9, 2) % (height, width)
        place = folder / f"kind {kind}" / f"{number}.png"
        place.parent.mkdir(exist_ok=True, parents=True)
        cv2.imwrite(str(place), photo[top : top + height, left : left + width])
        price = float("nan") if number % 10 == 3 else draw.normal()
        row = {"path": str(place), "kind": str(kind), "width": draw.normal(), "price": price}
        rows.append({**row, "shop": ("Rome", "Paris", "Oslo")[draw.integers(3)]})
    return pd.DataFrame(rows)


def files(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield names, places and differences from scikit-learn: the backbone first."""
    yield "backbone", str(default_model()), ""
    table = rows_in(folder / "photos")
    edgefeat.teach(folder / "photos", folder / "taught.onnx")
    yield "taught", str(folder / "taught.onnx"), ""
    fit, held = table[HELD:], table[:HELD].reset_index(drop=True)
    for name, steps in FAMILIES.items():
        numbers = "passthrough" if name == "histogram boosting" else imputed()
        steps_of = (columns(numbers), *steps)
        pipeline = make_pipeline(*steps_of).fit(fit, fit["kind"])
        place = folder / f"{name}.onnx"
        found = attach(pipeline, default_model(), held, place).differences
        told = f"{found['label']:.0f}, {found.get('probabilities', 0):.1e}"
        yield name, str(place), told


def feeds_of(session: Any, picture: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what a file takes: the picture, and a row beside it."""
    row = {
        "width": np.array([[0.3]]),
        "price": np.array([[np.nan]]),
        "shop": np.array([["Rome"]], dtype=object),
    }
    names = [one.name for one in session.get_inputs()]
    return {name: picture if name == "image" else row[name] for name in names}


def measure(places: list[str], rounds: int) -> NDArray[np.float64]:
    """Return CPU milliseconds: float64 `(rounds, runs, files)`."""
    with edgefeat.FeatureExtractor() as extractor:
        picture = extractor.prepare(sample_photos()[0])[np.newaxis]
    draw, found = np.random.default_rng(0), np.zeros((rounds, RUNS, len(places)))
    for number in range(rounds):
        if number % PER_SITTING == 0:  # where its memory lies makes a session faster or slower
            sessions = [open_session(place, session_options()) for place in places]
            feeds = [feeds_of(session, picture) for session in sessions]
        for place in draw.permutation(len(places)):
            for run in range(RUNS):
                began = time.thread_time_ns()
                sessions[place].run(None, feeds[place])
                found[number, run, place] = (time.thread_time_ns() - began) / 1e6
    return found[:, SKIPPED:]


def main() -> None:
    """Print a line for each file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=80)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edgefeat-") as folder:
        made = list(files(Path(folder)))
        sizes = [Path(place).stat().st_size for _, place, _ in made]
        times = measure([place for _, place, _ in made], arguments.rounds)
    draws = np.random.default_rng(1).integers(0, len(times), (1000, len(times)))
    medians = np.median(times, axis=1)
    ratios = medians / medians[:, :1]
    resampled = np.median(ratios[draws], axis=1)
    head = "beside the backbone (95 %)  added kB  labels and probabilities that differ"
    lines = [f"{'':22}{'p50 ms':>8}  {head}"]
    for at, (name, _, told) in enumerate(made):
        p50, ratio = np.median(times[..., at]), np.median(ratios[:, at])
        low, high = np.percentile(resampled[:, at], [2.5, 97.5])
        span, added = f"{ratio:.3f} ({low:.3f} to {high:.3f})", (sizes[at] - sizes[0]) / 1e3
        lines.append(f"{name:22}{p50:8.2f}  {span:26}{added:10.0f}  {told}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
