"""Photos and tabular columns in one model, beside either alone, on rows held out.

    python tests/examples/photos_and_columns.py [cifar10.npz]

The pictures are real: CIFAR-10 where its file is given or found, else windows cut out of the
shipped sample photos (trained on the left halves, tested on the right ones). The tabular columns
are MADE UP, because no such table comes with the pictures: for every row a `length_m` is drawn
around a typical length of the thing shown (log-normal, a factor of 3 either way), and a `place`
that is the typical one in 60 % of rows and any other in the rest. They are drawn with a fixed seed
from the true class, before and apart from any model, as weak columns beside a photo often are.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from edgefeat.sklearn import ImageFeatures

ROOT = Path(__file__).parent.parent.parent
CIFAR10 = ROOT.parent / "shared" / "data" / "cifar10" / "cifar10.npz"
PHOTOS = ROOT / "tests" / "data" / "photos"
PLACES = ("air", "house", "land", "road", "water")
TYPICAL = {  # made up: length in metres and the usual place
    "airplane": (30.0, "air"), "automobile": (4.5, "road"), "bird": (0.3, "air"),
    "cat": (0.5, "house"), "deer": (1.8, "land"), "dog": (0.8, "house"), "frog": (0.08, "water"),
    "horse": (2.4, "land"), "ship": (100.0, "water"), "truck": (9.0, "road"),
    "chelsea": (0.5, "house"), "coffee": (0.1, "house"), "rocket": (70.0, "land"),
}  # fmt: skip


def cifar10(file: Path, train: int = 600, test: int = 400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return CIFAR-10 pictures (uint8, RGB) with their classes: training and held-out rows."""
    with np.load(file) as data:
        names = [str(name) for name in data["classes"]]
        frames = [
            pd.DataFrame(
                {
                    "photo": list(data[f"x_{part}"][:rows]),
                    "kind": [names[label] for label in data[f"y_{part}"][:rows]],
                }
            )
            for part, rows in (("train", train), ("test", test))
        ]
    return frames[0], frames[1]


def windows(folder: Path, each: int = 40) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return windows of 24 pixels cut out of photos: left halves to train on, right to test."""
    import cv2

    draw, sides = np.random.default_rng(0), []
    for side in (0, 1):
        rows = []
        for path in sorted(folder.glob("*.jpg")):
            photo = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
            height, half = photo.shape[0], photo.shape[1] // 2
            for _ in range(each):
                top, left = draw.integers(height - 24), side * half + draw.integers(half - 24)
                rows.append({"photo": photo[top : top + 24, left : left + 24], "kind": path.stem})
        sides.append(pd.DataFrame(rows))
    return sides[0], sides[1]


def with_made_up_columns(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Add `length_m` and `place`, drawn from the true class as the first lines of this file say."""
    draw = np.random.default_rng(seed)
    lengths = np.array([TYPICAL[kind][0] for kind in rows["kind"]])
    usual = np.array([TYPICAL[kind][1] for kind in rows["kind"]])
    return rows.assign(
        length_m=lengths * np.exp(draw.normal(0, np.log(3), len(rows))),
        place=np.where(draw.random(len(rows)) < 0.6, usual, draw.choice(PLACES, len(rows))),
    )


def model_on(*parts: str) -> Pipeline:
    """Return a classifier on the photo, the table, or both."""
    # 1280 feature columns would drown two of a table: keep the 50 directions that vary most.
    photo = make_pipeline(
        ImageFeatures(colour="rgb", n_jobs=-1),
        StandardScaler(),
        PCA(50, random_state=0),
        StandardScaler(),
    )
    steps = {
        "photo": [("photo", photo, ["photo"])],
        "table": [
            ("length", make_pipeline(FunctionTransformer(np.log), StandardScaler()), ["length_m"]),
            ("place", OneHotEncoder(handle_unknown="ignore"), ["place"]),
        ],
    }
    columns = ColumnTransformer([step for part in parts for step in steps[part]])
    return make_pipeline(columns, LogisticRegression(C=0.1, max_iter=500))


def compare(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """Return the accuracy of the three models on held-out rows."""
    train, test = with_made_up_columns(train, seed=1), with_made_up_columns(test, seed=2)
    parts = {"table": ["table"], "photo": ["photo"], "both": ["photo", "table"]}
    return {
        name: float(model_on(*these).fit(train, train["kind"]).score(test, test["kind"]))
        for name, these in parts.items()
    }


def main() -> None:
    """Choose the pictures, compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cifar10", nargs="?", type=Path, help="cifar10.npz")
    file: Path | None = parser.parse_args().cifar10
    if file is None and CIFAR10.is_file():
        file = CIFAR10
    train, test = windows(PHOTOS) if file is None else cifar10(file)
    source = "windows of the sample photos" if file is None else f"CIFAR-10 ({file.name})"
    print(f"{source}: {len(train)} rows to train on, {len(test)} held out; made-up columns")
    for name, accuracy in compare(train, test).items():
        print(f"{name:<6} {accuracy:.3f}")


if __name__ == "__main__":
    main()
