"""Teaching: accuracy beside scikit-learn's tuned logistic regression, time and memory of the fit.

    python tests/bench/bench_teach.py CIFAR10.npz [--train 2000]

The file has x_train, y_train, x_test, y_test (uint8 RGB pictures and labels). Both classifiers get
the same features of the shipped model, of the first pictures of each class. The logistic regression
has its C chosen among seven by cross-validation in five parts. Time and memory of the fit are those
of a fresh process that has the features: what it takes beyond NumPy and the features themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

import edgefeat

CHOICES = (1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 1.0)


def features_of(pictures_rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return features, float32 `(N, D)`, of RGB pictures."""
    with edgefeat.FeatureExtractor() as extractor:
        return extractor.extract_batch(list(pictures_rgb), colour="rgb", workers=None)


def fit(place: str) -> dict[str, Any]:
    """Fit in this process; return the CPU seconds, the memory and the answers."""
    from edgefeat.teaching.learning import learn
    from edgefeat.teaching.memory import Shown

    with np.load(place) as data:
        features, labels, asked = data["features"], data["labels"], data["asked"]
    order = np.arange(len(labels))
    names = tuple(str(one) for one in range(int(labels.max()) + 1))
    shown = Shown(features=features, labels=labels, classes=names, values=None, order=order)
    before, began, clock = _peak_mb(), time.process_time(), time.perf_counter()
    learnt = learn(shown, unknown=0.01, unknown_name="unknown", where=place)
    took = {"cpu_s": time.process_time() - began, "wall_s": time.perf_counter() - clock}
    left_out = float((learnt.left_out.answers == labels).mean())
    memory = {"mb": _peak_mb() - before, "left_out": left_out}
    return took | memory | {"answers": learnt.head.answers(asked)["label"].tolist()}


def _peak_mb() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def logistic(
    features: NDArray[np.float32], labels: NDArray[np.int64], asked: NDArray[np.float32]
) -> tuple[NDArray[np.int64], float, float]:
    """Return the answers of scikit-learn's logistic regression, its C, and CPU seconds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    began = time.process_time()
    models = [LogisticRegression(C=strength, max_iter=500) for strength in CHOICES]
    scores = [cross_val_score(model, features, labels, cv=5).mean() for model in models]
    best = models[int(np.argmax(scores))].fit(features, labels)
    return best.predict(asked), best.C, time.process_time() - began


def main() -> None:
    """Print accuracies, seconds and megabytes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--train", type=int, default=2000)
    parser.add_argument("--fit", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.fit:
        json.dump(fit(arguments.data), sys.stdout)
        return
    with np.load(arguments.data) as data:
        labels, truth = data["y_train"].astype(np.int64), data["y_test"].astype(np.int64)
        each = arguments.train // (int(labels.max()) + 1)
        kinds = range(int(labels.max()) + 1)
        rows = np.concatenate([np.flatnonzero(labels == one)[:each] for one in kinds])
        labels, features = labels[rows], features_of(data["x_train"][rows])
        asked = features_of(data["x_test"])
    with tempfile.TemporaryDirectory() as folder:
        place = str(Path(folder) / "features.npz")
        np.savez(place, features=features, labels=labels, asked=asked)
        done = subprocess.run(
            [sys.executable, __file__, place, "--fit"], capture_output=True, check=True
        )
    ours = json.loads(done.stdout)
    accuracy = float((np.array(ours["answers"]) == truth).mean())
    theirs, strength, seconds = logistic(features, labels, asked)
    lines = (
        f"{len(labels)} x {features.shape[1]} to learn, {len(truth)} to judge",
        f"edgefeat teach        {100 * accuracy:.1f} % (left out: {100 * ours['left_out']:.1f} %), "
        f"{ours['cpu_s']:.2f} s CPU, {ours['wall_s']:.2f} s, {ours['mb']:.0f} MB",
        f"logistic regression   {100 * float((theirs == truth).mean()):.1f} % (C {strength:g}), "
        f"{seconds:.0f} s CPU with its cross-validation",
    )
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
