"""The pictures int8 is calibrated on: photos that packages on the registry ship, sharp and soft.

Anyone can have the same pictures, so anyone can rebuild the same file. Half of them are blurred:
small, distant and out-of-focus subjects shift a network's activations, and calibration on sharp
photos alone costs a small network most of its fidelity there. The photos that ship with edgefeat
are left out: they are what files are verified with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from edgefeat.arrays import Pixels
from edgefeat.model.shipped import sample_photos
from edgefeat.model.spec import InputSpec
from edgefeat.pictures import resize
from edgefeat_export.proof import pictures

__all__ = [
    "CALIBRATION_PICTURES",
    "Calibration",
    "calibration_pictures",
    "for_calibration",
    "packaged_photos",
    "soften_half",
]

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
CALIBRATION_PICTURES: Final = 128
"""How many pictures int8 is calibrated on, at most."""
_CALIBRATION_SEED: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The pictures that int8 is calibrated on.

    Attributes:
        pictures: uint8 `(N, height, width, channels)` at the graph's input, half of them blurred.
        origin: A phrase that says where they are from; the spec of the file keeps it.
    """

    pictures: Pixels
    origin: str


def for_calibration(
    folder: Path | None,
    input_spec: InputSpec,
    *,
    count: int = CALIBRATION_PICTURES,
    say: Callable[[str], None],
) -> Calibration:
    """Return the pictures to calibrate on.

    Args:
        folder: The user's pictures; None takes photos that packages ship.
        input_spec: The size and colours the graph takes.
        count: How many to take, at most.
        say: Takes a line of progress.

    Raises:
        ExportError: No picture in the folder can be read.
    """
    if folder is None:
        return calibration_pictures(input_spec, count=count, seed=_CALIBRATION_SEED)
    found = pictures.from_folder(folder, input_spec, at_most=count, say=say)
    return Calibration(
        pictures=soften_half(found, seed=_CALIBRATION_SEED),
        origin=f"{len(found)} pictures of the user, half of them blurred",
    )


def calibration_pictures(input_spec: InputSpec, *, count: int, seed: int) -> Calibration:
    """Return crops of the photos that packages ship, half of them blurred.

    Args:
        input_spec: The size and colours the graph takes.
        count: How many to make.
        seed: Equal seeds give equal pictures.
    """
    photos = packaged_photos()
    origin = f"{len(photos)} sample photos of scikit-image and scikit-learn"
    if not photos:
        photos = sample_photos()
        origin = (
            f"only the {len(photos)} sample photos shipped with edgefeat-export "
            "(`pip install edgefeat-export[calibration]` adds more)"
        )
    sharp = pictures.crops(photos, input_spec, count=count, seed=seed)
    return Calibration(
        pictures=soften_half(sharp, seed=seed),
        origin=f"{count} crops of {origin}, half of them blurred",
    )


def packaged_photos() -> list[Path]:
    """Return the photos of installed packages, or none unless every one of them is there."""
    found: list[Path] = []
    for package, (folder, names) in _PHOTOS.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            return []
        found += [Path(spec.origin).parent / folder / name for name in names]
    return found if all(path.is_file() for path in found) else []


def soften_half(sharp: Pixels, *, seed: int) -> Pixels:
    """Return pictures with half of them shrunk to 16 to 64 pixels and grown back.

    Args:
        sharp: uint8 `(N, height, width, channels)`; not changed.
        seed: Chooses which of them are softened, and how much.
    """
    rng = np.random.default_rng(seed)
    mixed = sharp.copy()
    for index in rng.permutation(len(mixed))[: len(mixed) // 2]:
        side = _SOFTEST * (_SHARPEST / _SOFTEST) ** rng.random()  # half of them below 32
        mixed[index] = _softened(mixed[index], round(side))
    return mixed


def _softened(picture: Pixels, side: int) -> Pixels:
    """Shrink and grow back, both with operations that give the same bytes on every CPU."""
    height, width, channels = picture.shape
    colours = np.repeat(picture, 3, axis=2) if channels == 1 else picture
    small = resize.antialias(colours, (min(side, height), min(side, width)))
    return resize.bilinear(small, (height, width))[:, :, :channels]
