"""CPU time of frames on their way from a source to features, stage by stage.

A camera is waited for, and a busy machine delays: CPU time knows of neither. It is that of the
whole process, so that threads of decoders and of the model count, without what plays the camera.
Video decoders work ahead in threads of their own. So frames are read first, and a few of them are
worked on when the source is closed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle, islice, pairwise
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.bench.frames.kinds import FrameKind, made_kinds, named_kinds
from edgefeat.bench.frames.sending import CpuClock
from edgefeat.bench.load_results import FrameCost
from edgefeat.bench.pictures import Pictures
from edgefeat.bench.pipeline import FRAME_STAGES
from edgefeat.errors import EdgefeatError, SourceError
from edgefeat.extractor import FeatureExtractor
from edgefeat.pictures.decode import ImageInput, load_bgr
from edgefeat.pictures.headers import read_header
from edgefeat.pictures.resize import bilinear
from edgefeat.sources import Source
from edgefeat.sources.base import ConvertsLater, FrameError, Reader, Unconverted

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["frame_costs"]

_USUAL_SIZE_HW = (1080, 1920)
_PICTURES = 3
_FRAMES = 40  # to be read of each source
_KEPT = 4  # to be worked on; a frame in full HD takes 6 MB
_ROUNDS = 10
_LONGEST_S = 10.0  # for each source: a camera may send one frame a second
_TIMEOUT_S = 10.0  # as in edgefeat.bench.pictures: OpenCV keeps the first one of a process
_MS_PER_S = 1e3


@dataclass(slots=True)
class _Reading:
    """What reading a source came to.

    Attributes:
        frames: How many good frames were grabbed.
        grab_s: CPU time of grabbing them.
        retrieve_s: CPU time of taking the kept ones.
        kept: The first frames, as the source hands them on.
        damaged: How many frames were damaged.
        notice: What the source does differently from what was asked.
    """

    frames: int = 0
    grab_s: float = 0.0
    retrieve_s: float = 0.0
    kept: list[ImageInput | Unconverted] = field(default_factory=list)
    damaged: int = 0
    notice: str | None = None

    @property
    def note(self) -> str | None:
        """What is worth telling of it."""
        damaged = f"{self.damaged} damaged frames left out" if self.damaged else None
        return "; ".join(text for text in (self.notice, damaged) if text) or None


def frame_costs(
    extractor: FeatureExtractor,
    pictures: Pictures,
    size_hw: SizeHw | None,
    on_share: Callable[[float], None],
) -> Iterator[FrameCost]:
    """Yield what a frame costs, for each kind of source; what is not measured says why.

    Args:
        extractor: What makes features.
        pictures: What the user named, and pictures of which frames are made.
        size_hw: Height and width of frames that are made or asked of a camera, even numbers of
            pixels; None: 1080 and 1920.
        on_share: Called after each source with the share that is done.
    """
    if extractor.spec.frame is not None:
        why = "a bundle takes raw frames of one size and layout: no source was read"
        yield FrameCost(source="frames", note=why)
        return
    size_hw = size_hw or _USUAL_SIZE_HW
    frames = [bilinear(load_bgr(one), size_hw) for one in islice(cycle(pictures.items), _PICTURES)]
    with TemporaryDirectory() as folder:
        kinds = [*named_kinds(pictures.origin, size_hw), *made_kinds(frames, Path(folder))]
        for number, kind in enumerate(kinds, start=1):
            yield _cost(extractor, kind)
            on_share(number / len(kinds))


def _cost(extractor: FeatureExtractor, kind: FrameKind) -> FrameCost:
    """Return what a frame of one source costs; one that does not work spoils no other."""
    try:
        with kind.ready() as (source, others):
            reading = _read(source, others)
        if not reading.kept:
            raise SourceError("gave no good frame", where=source.name)
        work_s = [_worked(extractor, one) for one in reading.kept * _ROUNDS][len(reading.kept) :]
    except (EdgefeatError, OSError) as error:
        return FrameCost(source=kind.name, note=str(error))
    decode_s, resize_s, run_s = map(fmean, zip(*work_s, strict=True))
    decode_s += reading.retrieve_s / len(reading.kept)
    stages_s = (reading.grab_s / reading.frames, decode_s, resize_s, run_s)
    stages_ms = [round(_MS_PER_S * one_s, 4) for one_s in stages_s]
    return FrameCost(
        source=kind.name,
        size=_size(reading.kept[0]),
        frames=reading.frames,
        stages_ms=dict(zip(FRAME_STAGES, stages_ms, strict=True)),
        grabbed_ms=stages_ms[0],
        emitted_ms=round(sum(stages_ms), 4),
        note=reading.note,
    )


def _read(source: Source, others: CpuClock) -> _Reading:
    """Read frames; a recording is read again and again until there are enough."""
    reading, until, before = _Reading(), time.monotonic() + _LONGEST_S, -1
    while before < reading.frames < _FRAMES and time.monotonic() < until:
        before = reading.frames
        with closing(source.open(timeout_s=_TIMEOUT_S)) as reader:
            started_s = time.process_time() - others()
            while reading.frames < _FRAMES and time.monotonic() < until:
                try:
                    if reader.grab() is None:
                        break
                    if len(reading.kept) < _KEPT:
                        _keep(reader, reading)
                    reading.frames += 1
                except FrameError:
                    reading.damaged += 1
            reading.grab_s += time.process_time() - others() - started_s
            reading.notice = reader.notice
    reading.grab_s -= reading.retrieve_s
    return reading


def _keep(reader: Reader, reading: _Reading) -> None:
    started_s = time.thread_time()  # this thread's alone: a decoder's threads go on meanwhile
    frame = reader.retrieve_later() if isinstance(reader, ConvertsLater) else reader.retrieve()
    reading.kept.append(frame)
    reading.retrieve_s += time.thread_time() - started_s


def _worked(extractor: FeatureExtractor, image: ImageInput | Unconverted) -> tuple[float, ...]:
    """Return the CPU seconds of decoding or converting a frame, of its resize, and of the model."""
    marks = [time.process_time()]
    picture = image.convert() if isinstance(image, Unconverted) else image
    pixels = extractor.decode(picture)
    marks.append(time.process_time())
    prepared = extractor.resize(pixels)
    marks.append(time.process_time())
    extractor.extract_prepared(prepared[np.newaxis])
    marks.append(time.process_time())
    return tuple(after - before for before, after in pairwise(marks))


def _size(image: ImageInput | Unconverted) -> str | None:
    if isinstance(image, Unconverted):
        return f"{image.size_hw[1]}x{image.size_hw[0]}"
    if isinstance(image, np.ndarray):
        return f"{image.shape[1]}x{image.shape[0]}"
    if isinstance(image, bytes):
        header = read_header(image)
        return f"{header.width}x{header.height}"
    return None
