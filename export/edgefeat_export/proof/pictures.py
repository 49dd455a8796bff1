"""Pictures to calibrate and verify with: the user's folder, or crops of the shipped samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgefeat.errors import ImageError, SourceError
from edgefeat.model.probe import probe_image
from edgefeat.model.spec import InputSpec
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.paths import expand
from edgefeat.pictures.preprocess import Preprocessor
from edgefeat_export.errors import ExportError

__all__ = ["crops", "drawn", "folder", "stream"]

Pixels = NDArray[np.uint8]
Say = Callable[[str], None]
_CHUNK = 16


def folder(path: Path, input_spec: InputSpec, *, at_most: int, say: Say) -> Pixels:
    """Return the pictures below a folder as the graph takes them, evenly spread if there are many.

    Raises:
        ExportError: No picture there can be read.
    """
    files = _files(path)
    step = max(1, len(files) / at_most)
    chosen = [files[int(index * step)] for index in range(min(len(files), at_most))]
    return np.concatenate(list(_read(chosen, input_spec, path, say)))


def stream(path: Path, input_spec: InputSpec, *, say: Say) -> Iterator[Pixels]:
    """Give all pictures below a folder a few at a time: uint8 `(n, height, width, channels)` each.

    Raises:
        ExportError: No picture there can be read.
    """
    yield from _read(_files(path), input_spec, path, say)


def _files(path: Path) -> list[str]:
    try:
        return expand(str(path))
    except SourceError as error:
        raise ExportError(f"{error} Give a folder of pictures.") from error


def _read(files: Sequence[str], input_spec: InputSpec, path: Path, say: Say) -> Iterator[Pixels]:
    plan = Preprocessor.from_spec(input_spec)
    count, held = 0, []
    for file in files:
        try:
            held.append(plan(plan.decode(file)))
        except ImageError as error:
            say(f"left out: {error}")
            continue
        count += 1
        if len(held) == _CHUNK:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)
    if not count:
        raise ExportError(f"{path}: none of {len(files)} pictures can be read. Give others.")


def crops(photos: Sequence[Path], input_spec: InputSpec, *, count: int, seed: int) -> Pixels:
    """Return deterministic crops of photos, turn by turn, some mirrored: uint8 `(count, H, W, C)`.

    The first round shows each photo whole.
    """
    frames = [load_bgr(photo) for photo in photos]
    prepare = Preprocessor.from_spec(input_spec)
    windows = _windows(np.random.default_rng(seed))
    images = []
    for index in range(count):
        frame = frames[index % len(frames)]
        if index >= len(frames):
            frame = _crop(frame, next(windows))
        images.append(prepare(frame))
    return np.stack(images)


def drawn(input_spec: InputSpec, *, count: int) -> Pixels:
    """Return synthetic pictures, which have edges and colours that photos lack."""
    size_hw, channels = input_spec.size_hw, input_spec.channels
    return np.stack([probe_image(2 + index, size_hw, channels) for index in range(count)])


def _windows(rng: np.random.Generator) -> Iterator[tuple[float, float, float, bool]]:
    while True:
        yield (rng.uniform(0.3, 0.9), rng.random(), rng.random(), bool(rng.random() < 0.5))


def _crop(frame: Pixels, window: tuple[float, float, float, bool]) -> Pixels:
    share, down, across, mirrored = window
    height, width = (max(1, round(side * share)) for side in frame.shape[:2])
    top = round((frame.shape[0] - height) * down)
    left = round((frame.shape[1] - width) * across)
    part = frame[top : top + height, left : left + width]
    return np.ascontiguousarray(part[:, ::-1] if mirrored else part)
