"""`python docs/make_grid.py`: writes `docs/images/nearest.jpg`, the README's picture.

Every row shows a window cut out of a sample photo and, right of it, its nearest among all the other
windows, with their cosines.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import edgefeat
from edgefeat.model.shipped import sample_photos

_SIDE, _GAP, _SHOWN = 150, 8, 5  # pixels; neighbours a row
_SEED, _EACH = 5, 10
_WHITE, _INK = 255, (60, 60, 60)

Pixels = NDArray[np.uint8]


def windows() -> list[tuple[str, Pixels]]:
    """Cut windows out of every sample photo."""
    draw, cut = np.random.default_rng(_SEED), []
    for path in sample_photos():
        photo = cv2.imread(str(path))
        height, width = photo.shape[:2]
        for number in range(_EACH):
            side = int(min(height, width) * draw.uniform(0.45, 0.9))
            top, left = draw.integers(height - side + 1), draw.integers(width - side + 1)
            window = photo[top : top + side, left : left + side]
            mirrored = np.ascontiguousarray(window[:, ::-1] if number % 2 else window)
            cut.append((f"{path.stem} {number}", mirrored))
    return cut


def grid() -> Pixels:
    """Return the picture: uint8, BGR."""
    cut = windows()
    names, pictures = [name for name, _ in cut], [picture for _, picture in cut]
    with edgefeat.FeatureExtractor() as extractor:
        features = edgefeat.FeatureSet.of(extractor.extract_batch(pictures), extractor, paths=names)
    found = features.search(features, k=_SHOWN + 1)
    rows = []
    for query in range(0, len(cut), _EACH):
        cells = [_cell(pictures[query], "query")]
        for index, score in zip(found.rows[query, 1:], found.scores[query, 1:], strict=True):
            cells.append(_cell(pictures[index], f"{score:.2f}"))
        rows.append(np.hstack(cells))
    return np.vstack(rows)


def _cell(picture: Pixels, text: str) -> Pixels:
    cell = np.full((_SIDE + 3 * _GAP + 10, _SIDE + 2 * _GAP, 3), _WHITE, np.uint8)
    cell[_GAP : _GAP + _SIDE, _GAP : _GAP + _SIDE] = cv2.resize(
        picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA
    )
    place = (_GAP, _SIDE + 2 * _GAP + 12)
    cv2.putText(cell, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
    return cell


if __name__ == "__main__":
    target = Path(__file__).parent / "images" / "nearest.jpg"
    target.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(target), grid(), [cv2.IMWRITE_JPEG_QUALITY, 85])
