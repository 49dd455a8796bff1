"""Says what a user means by SOURCE, in one grammar for the library and the command line.

0, /dev/video2                camera by index or device path
clip.mp4                      video file
photos/, 'photos/**/*.jpg'    pictures, one after the other; with watch also those that come
rtsp://..., rtmp://...        network video
http://.../stream             MJPEG, a snapshot to ask for again and again, video: as it answers
ffmpeg+http://...             whatever FFmpeg makes of it
-                             stdin: YUV4MPEG2, JPEGs, or raw frames whose layout is given
"""

from __future__ import annotations

import glob
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, TypeAlias, cast

import numpy as np

from edgefeat.errors import OptionError, SourceError
from edgefeat.messages.redact import redact
from edgefeat.model.spec import Colour
from edgefeat.options.checks import choice
from edgefeat.options.network import NetworkOptions
from edgefeat.options.video import VideoOptions
from edgefeat.pictures.decode import ImageInput
from edgefeat.pictures.formats import SUFFIXES
from edgefeat.sources.arrays import ArraySource, CallableSource, IterableSource
from edgefeat.sources.base import Source
from edgefeat.sources.camera import CameraRequest, CameraSource
from edgefeat.sources.folder import FolderSource
from edgefeat.sources.http_source import HttpSource
from edgefeat.sources.rawvideo import RawFormat
from edgefeat.sources.stdin import PipeSource
from edgefeat.sources.video import NetworkVideoSource, VideoFileSource

__all__ = ["AnySource", "ColourName", "open_source"]

AnySource: TypeAlias = (
    "Source | int | str | Path | Iterable[ImageInput] | Callable[[], ImageInput | None]"
)
ColourName: TypeAlias = Literal["bgr", "rgb"]
_Kinds: TypeAlias = tuple[type, ...]
_MADE_IN_PYTHON = (ArraySource, IterableSource, CallableSource)
_BY_FFMPEG = "ffmpeg+"


def open_source(
    source: AnySource,
    *,
    camera: CameraRequest | None = None,
    raw: RawFormat | None = None,
    watch: bool = False,
    colour: ColourName | None = None,
    network: NetworkOptions | None = None,
    video: VideoOptions | None = None,
) -> Source:
    """Return the source that a value names; nothing is opened yet.

    Args:
        source: See above; or a `Source`, a list or iterator of pictures, or a function that
            returns the next picture.
        camera: What to ask of a camera.
        raw: Size and layout of raw frames on stdin; None for frames that explain themselves.
        watch: Whether a folder is watched for new pictures.
        colour: Channel order of the arrays in a list, from an iterator or from a function; None:
            BGR, as in OpenCV. Other sources know their own.
        network: How a network camera is reached, and how far it is trusted.
        video: How video is decoded.

    Raises:
        SourceError: It names nothing that can be opened.
        TypeError: Not a kind of source.
        OptionError: The option goes with another kind of source.
    """
    if colour is not None:
        choice("colour", colour, "bgr", "rgb")
    found = _find(source, camera, raw, watch, Colour(colour or "bgr"), network, video)
    given: tuple[tuple[str, bool, _Kinds], ...] = (
        ("camera", camera is not None, (CameraSource,)),
        ("raw", raw is not None, (PipeSource,)),
        ("watch", watch, (FolderSource,)),
        ("colour", colour is not None, _MADE_IN_PYTHON),
        ("network", network is not None, (HttpSource, NetworkVideoSource)),
        ("video", video is not None, (HttpSource, NetworkVideoSource, VideoFileSource)),
    )
    for name, is_given, kinds in given:
        if is_given and (not isinstance(found, kinds) or (name == "colour" and found is source)):
            raise OptionError(
                f"does not go with the source {found.name}", option=name, remedy="Leave it out."
            )
    return found


def _find(
    source: AnySource,
    camera: CameraRequest | None,
    raw: RawFormat | None,
    watch: bool,
    colour: Colour,
    network: NetworkOptions | None,
    video: VideoOptions | None,
) -> Source:
    if isinstance(source, bool) or source is None:
        raise TypeError(f"source: expected a camera, path, URL or pictures, got {source!r}")
    if isinstance(source, int):
        return CameraSource(source, camera)
    if isinstance(source, str | Path):
        return _named(str(source), camera, raw, watch, network, video)
    if hasattr(source, "open") and hasattr(source, "traits"):
        return cast(Source, source)
    if isinstance(source, np.ndarray):
        raise TypeError("source: expected a list of pictures, got one array. Write [array].")
    if isinstance(source, list | tuple):
        return ArraySource(source, colour=colour)
    if isinstance(source, Iterable):
        return IterableSource(source, colour=colour)
    if callable(source):
        return CallableSource(source, colour=colour)
    raise TypeError(
        "source: expected a camera, path, URL, pictures or a function, "
        f"got {type(source).__module__}.{type(source).__qualname__}"
    )


def _named(
    text: str,
    camera: CameraRequest | None,
    raw: RawFormat | None,
    watch: bool,
    network: NetworkOptions | None,
    video: VideoOptions | None,
) -> Source:
    if text == "-":
        return PipeSource(raw)
    if text.isdecimal():
        return CameraSource(int(text), camera)
    if "://" in text:
        return _url(text, network, video)
    path = Path(text)
    if path.is_dir() or watch or (glob.has_magic(text) and not path.exists()):
        return FolderSource(text, watch=watch)
    if text.startswith("/dev/") or _is_device(path):
        return CameraSource(text, camera)
    if path.suffix.lower() in SUFFIXES - {".gif"}:
        return FolderSource(text)
    return VideoFileSource(text, video)


def _url(text: str, network: NetworkOptions | None, video: VideoOptions | None) -> Source:
    scheme = text.partition("://")[0].lower()
    if scheme == "file":
        raise SourceError(
            "expected a path, got a URL of a file",
            where=redact(text),
            remedy="Write the file's path.",
        )
    if scheme in ("http", "https"):
        return HttpSource(text, network, video)
    if scheme.startswith(_BY_FFMPEG):
        text = text[len(_BY_FFMPEG) :]
    return NetworkVideoSource(text, network, video)


def _is_device(path: Path) -> bool:
    try:
        return stat.S_ISCHR(path.stat().st_mode)
    except OSError:
        return False
