"""Measures what a cosine of a model's features means, with changed copies of photos.

    same   the cosine that 90 % of photos have to themselves saved again
    near   the lowest cosine of a photo saved again, compressed hard, halved, cropped by 5 %,
           mirrored or brightened
    look   the cosine that 90 % have cropped by 20 %, and 90 % written on

`near` is to find 98 of 100 copies, whatever was done to them. Of 48 photos no more than one may
stay below then, and no quantile says more of it than the lowest does. So that one odd photo draws
no level down among different photos, `near` is never nearer to `other_p999` than to `same`, and
`look` never below `other_p999`. Each is rounded to two digits. More digits would tell of these
photos, not of the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edgefeat import FeatureExtractor
from edgefeat.measures.similarity import l2_normalise
from edgefeat.model.spec import OutputKind, Similarity
from edgefeat_export.proof import copies

__all__ = ["Cosines", "measure", "measure_cosines", "thresholds"]

_SAME: Final = ("JPEG of quality 75",)
_NEAR: Final = (
    *_SAME,
    "JPEG of quality 30",
    "half the size",
    "5 % of the area cropped",
    "mirrored",
    "a quarter brighter",
)
_LOOK: Final = ("20 % of the area cropped", "written on")
_MISSED_OF_SAME, _MISSED_OF_NEAR, _MISSED_OF_LOOK = 0.10, 0.0, 0.10  # shares of copies below
_OTHER: Final = 0.999  # share of the pairs of different photos that stay below `other_p999`

Cosines = tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]
"""For each change the cosines of photos to their copies; and those of different photos."""


def measure(model: Path, folder: Path | None, say: Callable[[str], None]) -> Similarity | None:
    """Return which cosines near-duplicates have under a model.

    Args:
        model: A stamped model file.
        folder: The user's photos; None takes those that packages ship.
        say: Takes a line if nothing can be told.

    Returns:
        The cosines. None if the primary output is a map, if there are no two photos, or if
        different photos are as alike as copies are.
    """
    with FeatureExtractor(model, outputs="features") as extractor:
        if extractor.spec.primary.kind is not OutputKind.VECTOR:
            return None
        found, others = measure_cosines(extractor, folder, say=say)
    if not len(others):
        say("note: there are no two different photos to measure what a cosine means")
        return None
    levels = thresholds(found, others)
    if levels.other_p999 >= levels.same:
        say(
            f"note: different photos are as alike as copies are (cosines of {levels.other_p999} "
            f"and {levels.same}), so the file says nothing about near-duplicates"
        )
        return None
    return levels


def measure_cosines(
    extractor: FeatureExtractor, folder: Path | None, *, say: Callable[[str], None]
) -> Cosines:
    """Return the cosines of photos to their changed copies, and to all other photos.

    Args:
        extractor: The model.
        folder: The user's photos; None takes those that packages ship.
        say: Takes a line on photos that cannot be read.
    """
    origins: list[int] = []
    rows: list[NDArray[np.float32]] = []
    for origin, photo in copies.photos(folder, say=say):
        origins.append(origin)
        rows.append(
            extractor.extract_batch(
                [photo, *(copies.changed(photo, one) for one in copies.CHANGES)]
            )
        )
    if not rows:
        return {}, np.empty(0)
    every = l2_normalise(np.stack(rows).astype(np.float64))  # (photo, itself and copies, D)
    found = {
        change: np.einsum("nd,nd->n", every[:, 0], every[:, 1 + number])
        for number, change in enumerate(copies.CHANGES)
    }
    flat = every.reshape(-1, every.shape[-1])
    whose = np.repeat(origins, every.shape[1])
    upper = np.triu(whose[:, np.newaxis] != whose, 1)
    return found, (flat @ flat.T)[upper]


def thresholds(found: dict[str, NDArray[np.float64]], others: NDArray[np.float64]) -> Similarity:
    """Return the levels that some cosines give.

    Args:
        found: For each change the cosines of photos to their copies, float64 `(photos,)`.
        others: Cosines of different photos, float64 `(pairs,)`.
    """
    other_p999 = min(1.0, math.ceil(100 * float(np.quantile(others, _OTHER))) / 100)
    same = _reached(found, _SAME, _MISSED_OF_SAME)
    middle = math.ceil(50 * (same + other_p999)) / 100
    near = min(same, max(middle, _reached(found, _NEAR, _MISSED_OF_NEAR)))
    look = min(near, max(other_p999, _reached(found, _LOOK, _MISSED_OF_LOOK)))
    return Similarity(same=same, near=near, look=look, other_p999=other_p999)


def _reached(
    found: dict[str, NDArray[np.float64]], changes: tuple[str, ...], missed: float
) -> float:
    """Return the cosine that all but a share of the copies have, after each of the changes."""
    least = min(float(np.quantile(found[change], missed)) for change in changes)
    return max(-1.0, math.floor(100 * least) / 100)
