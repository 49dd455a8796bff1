"""Teaches on this CPU, and prints what taught files answer on any.

    python tests/cpus/answers.py teach FOLDER    three files: classes, a number, one class
    python tests/cpus/answers.py FOLDER          as JSON: what each says of parts of the photos

Features, labels, numbers and distances stand there in full; of probabilities the largest one.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import edgefeat
from edgefeat.engine.cpu import open_session, session_options

PHOTOS = Path(__file__).parents[1] / "data" / "photos"
PARTS = 6  # of each photo, to learn; and as many others, to judge


def parts(*, judged: bool) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Yield parts of the sample photos, with the photo's name."""
    for path in sorted(PHOTOS.glob("*.jpg")):
        photo = cv2.imread(str(path))
        height, width = photo.shape[:2]
        for number in range(PARTS):
            top = (number * 7 + 3 * judged) % 11 * height // 24
            left = (number * 5 + 2 * judged) % 11 * width // 24
            yield path.stem, photo[top : top + height // 2, left : left + width // 2]


def teach(folder: Path) -> None:
    """Write the photos and the three files."""
    rows = ["path,bright"]
    for number, (name, picture) in enumerate(parts(judged=False)):
        place = folder / "photos" / name / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place), picture)
        rows.append(f"{place},{picture.mean()}")
    (folder / "table.csv").write_text("\n".join(rows))
    edgefeat.teach(folder / "photos", folder / "classes.onnx", unknown=0.2)
    edgefeat.teach(folder / "table.csv", folder / "value.onnx", value="bright")
    edgefeat.teach(folder / "photos" / "coffee", folder / "one_class.onnx", one_class=True)


def answers(model: Path) -> dict[str, Any]:
    """Return what a file says of each part that is to be judged."""
    session = open_session(str(model), session_options())
    names = [one.name for one in session.get_outputs()]
    with edgefeat.FeatureExtractor() as extractor:
        pictures = [extractor.prepare(picture) for _, picture in parts(judged=True)]
    rows = [session.run(names, {"image": one[np.newaxis]}) for one in pictures]
    found: dict[str, Any] = {}
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        array = np.concatenate(column)
        if name == "probabilities":
            found[name] = array.max(axis=1).tolist()
        else:
            found[name] = base64.b64encode(array.tobytes()).decode()
    return found


if __name__ == "__main__":
    *words, place = sys.argv[1:]
    if words == ["teach"]:
        teach(Path(place))
    else:
        files = sorted(Path(place).glob("*.onnx"))
        json.dump({file.stem: answers(file) for file in files}, sys.stdout)
