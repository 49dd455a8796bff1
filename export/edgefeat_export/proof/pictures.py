"""Pictures to calibrate and verify with: the user's folder, or crops of the shipped samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from edgefeat.arrays import Pixels
from edgefeat.errors import ImageError, SourceError
from edgefeat.listing.listing import expand
from edgefeat.model.probe import probe_image
from edgefeat.model.shipped import sample_photos
from edgefeat.model.spec import InputSpec
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.preprocess import Preprocessor
from edgefeat_export.errors import ExportError

__all__ = ["VERIFICATION_PICTURES", "crops", "drawn", "for_verification", "from_folder", "stream"]

Say = Callable[[str], None]
VERIFICATION_PICTURES: Final = 100
"""How many pictures a file is verified with, at most: as many as `cosine_p1` takes to know."""
_VERIFICATION_SEED: Final = 2
_SYNTHETIC: Final = 8  # pictures to verify with that are drawn, where the user gives none
_CHUNK: Final = 16  # pictures held at once


def for_verification(folder: Path | None, input_spec: InputSpec, *, say: Say) -> Pixels:
    """Return the pictures that a file is verified with: none of them calibrates.

    Args:
        folder: The user's pictures; None takes crops of the shipped samples and some synthetic
            pictures.
        input_spec: The size and colours the graph takes.
        say: Takes a line of progress.

    Returns:
        uint8 `(N, height, width, channels)`, N at most `VERIFICATION_PICTURES`.

    Raises:
        ExportError: No picture in the folder can be read.
    """
    if folder is not None:
        return from_folder(folder, input_spec, at_most=VERIFICATION_PICTURES, say=say)
    count = VERIFICATION_PICTURES - _SYNTHETIC
    photos = crops(sample_photos(), input_spec, count=count, seed=_VERIFICATION_SEED)
    return np.concatenate([photos, drawn(input_spec, count=_SYNTHETIC)])


def from_folder(folder: Path, input_spec: InputSpec, *, at_most: int, say: Say) -> Pixels:
    """Return the pictures below a folder as the graph takes them, evenly spread if there are many.

    Args:
        folder: Where the pictures are.
        input_spec: The size and colours the graph takes.
        at_most: How many to take.
        say: Takes a line for each picture that cannot be read, and if not all are taken.

    Returns:
        uint8 `(N, height, width, channels)`.

    Raises:
        ExportError: No picture there can be read.
    """
    files = _files(folder)
    step = max(1, len(files) / at_most)
    chosen = [files[int(index * step)] for index in range(min(len(files), at_most))]
    if len(chosen) < len(files):
        say(f"taking {len(chosen)} of the {len(files)} pictures of {folder}, evenly spread")
    return np.concatenate(list(_read(chosen, input_spec, folder, say)))


def stream(folder: Path, input_spec: InputSpec, *, say: Say) -> Iterator[Pixels]:
    """Yield all pictures below a folder a few at a time: uint8 `(n, height, width, channels)` each.

    Args:
        folder: Folder of pictures.
        input_spec: The size and colours the graph takes.
        say: Takes a line for each picture that cannot be read.

    Raises:
        ExportError: No picture there can be read.
    """
    yield from _read(_files(folder), input_spec, folder, say)


def crops(photos: Sequence[Path], input_spec: InputSpec, *, count: int, seed: int) -> Pixels:
    """Return deterministic crops of photos, turn by turn, some mirrored.

    Args:
        photos: The first round shows each of them whole.
        input_spec: The size and colours the graph takes.
        count: How many crops to make.
        seed: Equal seeds give equal crops.

    Returns:
        uint8 `(count, height, width, channels)`.
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
    """Return synthetic pictures, which have edges and colours that photos lack.

    Args:
        input_spec: The size and colours the graph takes.
        count: How many to draw.

    Returns:
        uint8 `(count, height, width, channels)`.
    """
    size_hw, channels = input_spec.size_hw, input_spec.channels
    return np.stack([probe_image(2 + index, size_hw, channels) for index in range(count)])


def _files(folder: Path) -> list[str]:
    if not folder.exists():
        raise ExportError("no such folder", where=folder, remedy="Give a folder of pictures.")
    try:
        return expand(str(folder))
    except SourceError as error:
        raise ExportError(
            error.problem, where=error.where or folder, remedy="Give a folder of pictures."
        ) from error


def _read(files: Sequence[str], input_spec: InputSpec, folder: Path, say: Say) -> Iterator[Pixels]:
    plan = Preprocessor.from_spec(input_spec)
    count, held = 0, []
    first_error: ImageError | None = None
    for file in files:
        try:
            held.append(plan(plan.decode(file)))
        except ImageError as error:
            first_error = first_error or error
            say(f"left out: {error}")
            continue
        count += 1
        if len(held) == _CHUNK:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)
    if not count:
        raise ExportError(
            f"none of {len(files)} pictures can be read, the first because: {first_error}",
            where=folder,
            remedy="Give others.",
        )


def _windows(rng: np.random.Generator) -> Iterator[tuple[float, float, float, bool]]:
    """Yield share of the sides, place down and across (0 to 1), and whether to mirror."""
    while True:
        yield (rng.uniform(0.3, 0.9), rng.random(), rng.random(), bool(rng.random() < 0.5))


def _crop(frame: Pixels, window: tuple[float, float, float, bool]) -> Pixels:
    share, down, across, mirrored = window
    height, width = (max(1, round(side * share)) for side in frame.shape[:2])
    top = round((frame.shape[0] - height) * down)
    left = round((frame.shape[1] - width) * across)
    part = frame[top : top + height, left : left + width]
    return np.ascontiguousarray(part[:, ::-1] if mirrored else part)
