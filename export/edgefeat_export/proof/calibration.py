"""The pictures int8 is calibrated on: photos that packages on the registry ship, sharp and soft.

Anyone can have the same pictures, so anyone can rebuild the same file. Half of them are blurred:
small, distant and out-of-focus subjects shift a network's activations, and calibration on sharp
photos alone costs a small network most of its fidelity there. The photos that ship with edgefeat
are left out: they are what files are verified with.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.model.shipped import sample_photos
from edgefeat.model.spec import InputSpec
from edgefeat_export.proof.pictures import crops

__all__ = ["calibration_pictures", "described", "packaged_photos", "soften_half"]

Pixels = NDArray[np.uint8]
_PHOTOS: Final = {
    "skimage": (
        "data",
        (
            "astronaut.png",
            "brick.png",
            "camera.png",
            "coins.png",
            "color.png",
            "grass.png",
            "gravel.png",
            "hubble_deep_field.jpg",
            "ihc.png",
            "motorcycle_left.png",
            "retina.jpg",
        ),
    ),
    "sklearn": ("datasets/images", ("china.jpg", "flower.jpg")),
}
_SOFTEST, _SHARPEST = 16, 64  # sides in pixels that a picture is shrunk to before growing back


def calibration_pictures(input_spec: InputSpec, *, count: int, seed: int) -> tuple[Pixels, str]:
    """Return pictures for calibration and a sentence that says where they are from.

    Args:
        input_spec: The size and colours the graph takes.
        count: How many.
        seed: Makes the crops; the same seed gives the same pictures.

    Returns:
        uint8 `(count, height, width, channels)`, and the sentence for the model's card.
    """
    photos = packaged_photos()
    origin = f"{len(photos)} sample photos of scikit-image and scikit-learn"
    if not photos:
        photos = sample_photos()
        origin = (
            f"only the {len(photos)} sample photos shipped with edgefeat-export "
            "(`pip install edgefeat-export[calibration]` adds more)"
        )
    pictures = crops(photos, input_spec, count=count, seed=seed)
    return soften_half(pictures, seed=seed), f"{count} crops of {origin}, half of them blurred"


def described(pictures: Pixels) -> str:
    """Return the sentence for pictures of the user, softened by half."""
    return f"{len(pictures)} pictures of the user, half of them blurred"


def packaged_photos() -> list[Path]:
    """Return the photos of installed packages, or none unless every one of them is there."""
    found: list[Path] = []
    for package, (folder, names) in _PHOTOS.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            return []
        found += [Path(spec.origin).parent / folder / name for name in names]
    return found if all(path.is_file() for path in found) else []


def soften_half(pictures: Pixels, *, seed: int) -> Pixels:
    """Return the pictures with half of them shrunk to 16 to 64 pixels and grown back.

    Args:
        pictures: uint8 `(N, height, width, channels)`; left as they are.
        seed: Chooses which, and the sizes.
    """
    rng = np.random.default_rng(seed)
    mixed = pictures.copy()
    for index in rng.permutation(len(mixed))[: len(mixed) // 2]:
        side = _SOFTEST * (_SHARPEST / _SOFTEST) ** rng.random()  # as many below 32 as above
        mixed[index] = _softened(mixed[index], round(side))
    return mixed


def _softened(picture: Pixels, side: int) -> Pixels:
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (min(side, width), min(side, height)), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.uint8).reshape(picture.shape)
