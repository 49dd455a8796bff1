"""The sources whose frames are timed: the one that the user named, and one of each kind made here.

What cannot be made on a device is named too, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from edgefeat.bench.frames.h264 import write_h264
from edgefeat.bench.frames.sending import CpuClock, over_http, through_a_pipe
from edgefeat.errors import SourceError
from edgefeat.options.video import DecoderName, VideoOptions
from edgefeat.sources import CameraRequest, PixelFormat, RawFormat, Source, open_source
from edgefeat.sources.camera import CameraSource
from edgefeat.sources.video import NetworkVideoSource, VideoFileSource

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw

__all__ = ["FrameKind", "made_kinds", "named_kinds"]

_JPEG_QUALITY = 90
_KEY_FRAMES = VideoOptions.of(key_frames=True)
_Ready = AbstractContextManager[tuple[Source, CpuClock]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameKind:
    """A kind of source.

    Attributes:
        name: What it is called.
        ready: Makes it ready: yields the source, and the CPU time of what plays the camera here.
            Raises an `EdgefeatError` or `OSError` where it cannot be made.
    """

    name: str
    ready: Callable[[], _Ready]


def named_kinds(name: str | None, size_hw: SizeHw) -> Iterator[FrameKind]:
    """Yield the video, camera or URL that the user named, in the ways that it can be read.

    Args:
        name: What the user named; None for nothing.
        size_hw: Height and width to ask of a camera for MJPEG, in pixels.
    """
    source = None if name is None else open_source(name)
    if name is not None and source is not None:
        yield FrameKind(name=source.name, ready=partial(_as_it_is, name))
        if isinstance(source, VideoFileSource | NetworkVideoSource):
            ready = partial(_as_it_is, name, video=_KEY_FRAMES)
            yield FrameKind(name=f"{source.name}, key frames", ready=ready)
    if name is not None and isinstance(source, CameraSource):
        asked = CameraRequest(pixel="MJPG", size_hw=size_hw)
        ready = partial(_as_it_is, name, camera=asked)
        yield FrameKind(name=f"{source.name}, MJPG", ready=ready)
    else:
        yield FrameKind(name="USB camera, MJPG", ready=_no_camera)


def made_kinds(pictures: Sequence[Pixels], folder: Path) -> Iterator[FrameKind]:
    """Yield one source of each kind, made of pictures.

    Args:
        pictures: Frames of one size with even sides, uint8 `(height, width, 3)`, BGR.
        folder: Where a recording is written when it is read.
    """
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    jpegs = [cv2.imencode(".jpg", one, quality)[1].tobytes() for one in pictures]
    yield FrameKind(name="MJPEG over HTTP", ready=partial(over_http, jpegs))
    yield FrameKind(name="JPEGs on stdin", ready=partial(through_a_pipe, jpegs, None))
    planes = [cv2.cvtColor(one, cv2.COLOR_BGR2YUV_I420).tobytes() for one in pictures]
    size_hw = (pictures[0].shape[0], pictures[0].shape[1])
    raw = RawFormat(size_hw=size_hw, pixel=PixelFormat.YUV420P)
    yield FrameKind(name="raw yuv420p on stdin", ready=partial(through_a_pipe, planes, raw))
    recording = partial(_recording, pictures, folder / "recording.mp4")
    for name, video in (
        ("H.264, OpenCV", VideoOptions.of(decoder=DecoderName.OPENCV)),
        ("H.264, PyAV", VideoOptions.of(decoder=DecoderName.PYAV)),
        ("H.264, key frames", _KEY_FRAMES),
    ):
        yield FrameKind(name=name, ready=partial(recording, video))


def _as_it_is(
    name: str, *, camera: CameraRequest | None = None, video: VideoOptions | None = None
) -> _Ready:
    return nullcontext((open_source(name, camera=camera, video=video), _no_work))


def _recording(pictures: Sequence[Pixels], path: Path, video: VideoOptions) -> _Ready:
    if not path.exists():
        part = path.with_stem("part")
        write_h264(part, pictures)
        part.rename(path)
    return nullcontext((open_source(path, video=video), _no_work))


def _no_camera() -> _Ready:
    raise SourceError("no camera was named", remedy="Name it as the source, such as 0.")


def _no_work() -> float:
    return 0.0
