"""Clips of a fixed camera, drawn: still scenes, changes of light, weather, and things that come.

Each clip is a scene of 640x480 with noise of its own in every frame, as a JPEG camera gives it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.sources.base import Grab, OpenReader, Traits

__all__ = ["FPS", "KINDS", "NAMES", "SIDE", "Clip", "ClipSource", "Colours", "Image", "scene"]

PHOTOS = Path(__file__).parents[1] / "data" / "photos"
FPS = 2.0
SIZE_HW = (480, 640)
_COMES, _GOES = 40, 80  # the frames in which things come and go
_NOISES = 8
SIDE = 224

Image = NDArray[np.float32]


def scene(path: Path) -> Image:
    """Return a photo as a scene: float32 `(480, 640, 3)`."""
    photo = cv2.imread(str(path))
    assert photo is not None, path
    return cv2.resize(photo, SIZE_HW[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)


@dataclass(frozen=True)
class Clip:
    """One kind of clip.

    Attributes:
        draw: Draws a frame: the scene, its number, how many frames there are, and a generator.
        changes: The frames in which something truly changes.
        within: Frames between these may truly change too, as while somebody walks.
    """

    draw: Callable[[Image, int, int, np.random.Generator], Image]
    changes: tuple[int, ...] = ()
    within: range = range(0)


def _still(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    return image


def _drift(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    """Let the light fall by 30 % and come back, each minute."""
    return image * np.float32(1 - 0.3 * np.sin(np.pi * (number % 120) / 120))


def _exposure(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    return image * np.float32(1 + 0.05 * np.sin(1.3 * number))


def _rain(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    wet = image.copy()
    for x, y in zip(rng.integers(0, 640, 150), rng.integers(0, 460, 150), strict=True):
        cv2.line(wet, (int(x), int(y)), (int(x) + 3, int(y) + 18), (200, 200, 200), 1)
    return wet


def _shake(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    dx, dy = rng.integers(-3, 4, 2)
    return np.roll(image, (int(dy), int(dx)), (0, 1))


def _sway(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    rows = np.arange(SIZE_HW[0], dtype=np.float32)[:, np.newaxis]
    shift = 3 * np.sin(number / 2 + rows / 40)
    xs = (np.arange(SIZE_HW[1], dtype=np.float32)[np.newaxis] + shift).astype(np.float32)
    ys = np.repeat(rows, SIZE_HW[1], 1)
    return cv2.remap(image, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )


def _fog(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    share = np.float32(0.6 * number / count)
    return image * (1 - share) + 180 * share


def _lamp(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    if number < _COMES:
        return image
    ys, xs = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    glow = 80 * np.exp(-((xs - 500) ** 2 + (ys - 120) ** 2) / (2 * 120**2))
    return image + glow[..., np.newaxis].astype(np.float32)


def _infrared(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
    if number < _COMES:
        return image
    grey = image.mean(axis=2, keepdims=True)
    return np.repeat(255 - np.abs(grey - 255) * np.float32(0.9), 3, axis=2)


def _thing(side: int) -> Callable[..., Image]:
    def draw(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
        return _pasted(image, 200, 240, side) if _COMES <= number < _GOES else image

    return draw


def _walker(side: int) -> Callable[..., Image]:
    def draw(image: Image, number: int, count: int, rng: np.random.Generator) -> Image:
        if not _COMES <= number < _GOES:
            return image
        share = (number - _COMES) / (_GOES - _COMES)
        return _pasted(image, int(share * (SIZE_HW[1] - side)), 300, side)

    return draw


def _pasted(image: Image, x: int, y: int, side: int) -> Image:
    changed = image.copy()
    thing = scene(PHOTOS / "chelsea.jpg")
    changed[y : y + side, x : x + side] = cv2.resize(thing, (side, side))
    return changed


_BETWEEN = range(_COMES, _GOES)
KINDS: dict[str, Clip] = {
    "still": Clip(_still),
    "light drift -30 %": Clip(_drift),
    "exposure hunting 5 %": Clip(_exposure),
    "rain": Clip(_rain),
    "shake 3 px": Clip(_shake),
    "tree sway": Clip(_sway),
    "fog": Clip(_fog),
    "lamp on": Clip(_lamp, (_COMES,)),
    "infrared switch": Clip(_infrared, (_COMES,)),
    "object 24 px": Clip(_thing(24), (_COMES, _GOES)),
    "object 48 px": Clip(_thing(48), (_COMES, _GOES)),
    "object 96 px": Clip(_thing(96), (_COMES, _GOES)),
    "object 200 px": Clip(_thing(200), (_COMES, _GOES)),
    "walker 96 px": Clip(_walker(96), (_COMES, _GOES), _BETWEEN),
    "rain and object 96 px": Clip(
        lambda image, n, count, rng: _rain(_thing(96)(image, n, count, rng), n, count, rng),
        (_COMES, _GOES),
    ),
    "drift and object 96 px": Clip(
        lambda image, n, count, rng: _drift(_thing(96)(image, n, count, rng), n, count, rng),
        (_COMES, _GOES),
    ),
}
NAMES = tuple(KINDS)


class ClipSource:
    """A clip as a source: a file of two frames a second.

    Args:
        kind: Which clip.
        image: The scene.
        count: How many frames.
        noise: Standard deviation of the noise in grey levels.
        seed: Equal seeds give equal clips.
    """

    traits = Traits(live=False, reopens=False)

    def __init__(
        self, kind: str, image: Image, count: int, *, noise: float = 3.0, seed: int = 0
    ) -> None:
        self.name = f"clip of {kind}"
        self._clip, self._image, self._count = KINDS[kind], image, count
        self._noise, self._seed = noise, seed

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Draw the frames: uint8 `(480, 640, 3)`."""
        rng = np.random.default_rng(self._seed)
        drawn = [
            rng.normal(0, self._noise, self._image.shape).astype(np.float32) for _ in range(_NOISES)
        ]
        for number in range(self._count):
            image = self._clip.draw(self._image, number, self._count, rng)
            # Noise of which no two frames have the same, at a tenth of the cost of drawing it.
            shift = int(rng.integers(SIZE_HW[0])), int(rng.integers(SIZE_HW[1]))
            noisy = image + np.roll(drawn[int(rng.integers(_NOISES))], shift, (0, 1))
            pixels = np.clip(noisy, 0, 255).astype(np.uint8)
            _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
            yield cv2.imdecode(jpeg, cv2.IMREAD_COLOR)  # type: ignore[misc]

    def open(self, *, timeout_s: float) -> _ClipReader:
        """Begin anew."""
        return _ClipReader(self.frames())


class _ClipReader(OpenReader):
    def __init__(self, frames: Iterator[NDArray[np.uint8]]) -> None:
        self._frames, self._number = frames, 0
        self._now: Any = None

    def grab(self) -> Grab | None:
        self._now = next(self._frames, None)
        if self._now is None:
            return None
        self._number += 1
        return Grab(media_s=(self._number - 1) / FPS)

    def retrieve(self) -> ImageInput:
        pixels: NDArray[np.uint8] = self._now
        return pixels


class Colours:
    """An extractor whose features are the mean colours of four parts of the picture."""

    fingerprint = "colours"

    def prepare(self, image: ImageInput) -> NDArray[np.uint8]:
        pixels = load_bgr(image)
        return cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)

    def extract_prepared(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        half = SIDE // 2
        parts = [images[:, y : y + half, x : x + half] for y in (0, half) for x in (0, half)]
        return np.concatenate([p.mean(axis=(1, 2)) for p in parts], axis=1).astype(np.float32)
