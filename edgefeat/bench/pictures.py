"""The real, changing pictures that a benchmark runs on, held in memory so that no disk is timed.

Pictures from files stay encoded, and decoding is timed. Frames of a video or camera are decoded
when they come, as they are in a stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgefeat.bench.pipeline import Picture
from edgefeat.errors import OptionError, SourceError
from edgefeat.listing.listing import expand
from edgefeat.model.frame import FrameSpec, PixelLayout
from edgefeat.model.probe import probe_image
from edgefeat.model.shipped import sample_photos
from edgefeat.options.extractor import DEFAULT_MAX_PIXELS
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.resize import bilinear
from edgefeat.sources import Source, open_source
from edgefeat.sources.folder import FolderSource

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["Pictures", "load_pictures", "sample_pictures"]

_MOST_PICTURES = 64  # enough variety for the decoder; further ones only take memory
_MOST_BYTES = 128_000_000
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What a benchmark runs on.

    Attributes:
        source: What to call the pictures in the report.
        items: Encoded files, or decoded frames, uint8 BGR `(height, width, 3)`; at least one.
        origin: The video, camera or URL that they are the first frames of; None for others.
    """

    source: str
    items: tuple[Picture, ...]
    origin: str | None = None

    def __post_init__(self) -> None:
        if not self.items:
            raise OptionError("expected at least one picture, got none", option="items")


def load_pictures(sources: Sequence[str], *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Pictures:
    """Read the pictures of files, folders and patterns, or the first frames of a video.

    At most 64 pictures are kept. Of more files one in two, in three, ... is taken, and the name of
    the source says so.

    Args:
        sources: Files, folders and patterns; or one video, camera or URL.
        max_pixels: Refuse files that claim more pixels.

    Raises:
        OptionError: Stdin is among them.
        SourceError: They name nothing, or a file cannot be read.
        ImageError: A file is no picture, or is damaged.
    """
    if "-" in sources:
        raise OptionError(
            "expected files, folders, a video, camera or URL, got stdin",
            option="sources",
            remedy="Save what comes from stdin first.",
        )
    if len(sources) == 1:
        found = open_source(sources[0])
        if not isinstance(found, FolderSource):
            first = f"first frames of {found.name}"
            return Pictures(source=first, items=tuple(_frames(found)), origin=sources[0])
    paths = [path for source in sources for path in expand(source)]
    step = max(1, -(-len(paths) // _MOST_PICTURES))
    thinned = f" (1 in {step} of {len(paths)})" if step > 1 else ""
    return Pictures(
        source=", ".join(sources) + thinned,
        items=tuple(_read(path, max_pixels) for path in paths[::step]),
    )


def sample_pictures(frame: FrameSpec | None = None) -> Pictures:
    """Return the photos that ship with edgefeat.

    Args:
        frame: Frame that a bundle takes; the photos are scaled to its size. For a layout that no
            photo has, pictures of rectangles are made. None gives the photos as they are.

    Raises:
        SourceError: The installation is incomplete.
    """
    paths = [str(path) for path in sample_photos()]
    if frame is None:
        items: Iterator[Picture] = (_read(path, DEFAULT_MAX_PIXELS) for path in paths)
        return Pictures(source="shipped samples", items=tuple(items))
    height, width = frame.size_hw
    if frame.pixels in (PixelLayout.NV12, PixelLayout.YUYV422):
        rows, columns, values = frame.shape
        items = (probe_image(seed, (rows, columns), values) for seed in range(1, 5))
        name = f"rectangles as {frame.pixels}"
    else:
        items = (bilinear(load_bgr(path), frame.size_hw) for path in paths)
        name = "shipped samples"
    return Pictures(source=f"{name}, {width} x {height}", items=tuple(items))


def _frames(source: Source) -> Iterator[Pixels]:
    reader = source.open(timeout_s=_TIMEOUT_S)
    frames = frame_bytes = 0
    try:
        while frames < _MOST_PICTURES and frame_bytes < _MOST_BYTES and reader.grab() is not None:
            frame = load_bgr(reader.retrieve()).copy()  # a reader may use its buffer again
            yield frame
            frames, frame_bytes = frames + 1, frame_bytes + frame.nbytes
    finally:
        reader.close()
    if not frames:
        raise SourceError(
            "gave no frame", where=source.name, remedy="Check it with `edgefeat stream`."
        )


def _read(path: str, max_pixels: int) -> bytes:
    """Return a file that was decoded once before: what is damaged is named, not timed."""
    try:
        load_bgr(path, keep_side=1, max_pixels=max_pixels)
        return Path(path).read_bytes()
    except OSError as error:
        raise SourceError(
            f"cannot be read: {error.strerror}",
            where=path,
            remedy="Check the path, or leave it out.",
        ) from error
