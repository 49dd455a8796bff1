"""Chooses the library that decodes, and opens a place with it."""

from __future__ import annotations

from importlib.util import find_spec

from edgefeat.errors import DependencyError
from edgefeat.options.video import DecoderName, VideoOptions
from edgefeat.sources.decoders.base import Decoder, OpenRequest

__all__ = ["check_installed", "open_decoder"]


def open_decoder(request: OpenRequest) -> Decoder:
    """Open a place.

    Raises:
        CannotOpenError: It is no video that can be read.
        SourceError: Others were being opened for too long.
    """
    if _wants_pyav(request.video):
        from edgefeat.sources.decoders.pyav import PyAvDecoder

        return PyAvDecoder.open(request)
    from edgefeat.sources.decoders.opencv import OpenCvDecoder

    return OpenCvDecoder.open(request)


def check_installed(video: VideoOptions) -> None:
    """Refuse options that need PyAV where it is missing.

    Raises:
        DependencyError: PyAV is missing.
    """
    asked = video.decoder is DecoderName.PYAV or video.key_frames or video.hardware is not None
    if asked and not _has_pyav():
        what = "pyav" if video.decoder is DecoderName.PYAV else "key frames only, and hardware,"
        raise DependencyError(
            f"{what} needs the package av, which is not installed",
            remedy="Install it: pip install 'edgefeat[av]'.",
        )


def _wants_pyav(video: VideoOptions) -> bool:
    return video.decoder is DecoderName.PYAV or (video.decoder is DecoderName.AUTO and _has_pyav())


def _has_pyav() -> bool:
    return find_spec("av") is not None
