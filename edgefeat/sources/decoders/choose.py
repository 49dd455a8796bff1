"""Chooses the library that decodes, and opens a place with it."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.util import find_spec

from edgefeat.errors import DependencyError
from edgefeat.options.video import DecoderName, VideoOptions
from edgefeat.sources.decoders.base import CannotOpenError, Decoder, OpenRequest

__all__ = ["check_installed", "decodes_by_pyav", "open_decoder"]


def open_decoder(request: OpenRequest) -> Decoder:
    """Open a place.

    Raises:
        CannotOpenError: It is no video that can be read.
        SourceError: Others were being opened for too long.
    """
    if decodes_by_pyav(request.video):
        from edgefeat.sources.decoders.pyav import PyAvDecoder

        return PyAvDecoder.open(request)
    return _open_by_opencv(request)


def _open_by_opencv(request: OpenRequest) -> Decoder:
    """Open a place for its packets, and decode them as they come or, of a recording, beside them.

    A recording is decoded from a second look at it: what an MP4 says of packets that are there
    only for the sake of others does not come with the packets.
    """
    from edgefeat.sources.decoders.one_track import CODECS
    from edgefeat.sources.decoders.opencv import (
        OpenCvDecoder,
        codec_of,
        duration_of,
        open_capture,
    )
    from edgefeat.sources.decoders.opencv_live import LiveOpenCvDecoder
    from edgefeat.sources.decoders.packet_sizes import PacketSizes

    packets = open_capture(request, packets=True)
    comes_once = not isinstance(request.place, str)
    if comes_once or (request.live and duration_of(packets) is None):
        try:
            return LiveOpenCvDecoder.open(packets, request)
        except CannotOpenError:
            if comes_once:
                raise
            return OpenCvDecoder(open_capture(request), request.name)
    codec = codec_of(packets).lower()
    if codec not in CODECS:
        packets.release()
        return OpenCvDecoder(open_capture(request), request.name)
    with ExitStack() as held:
        held.callback(packets.release)
        decoder = OpenCvDecoder(open_capture(request), request.name, PacketSizes(packets, codec))
        held.pop_all()  # the decoder releases them from now on
        return decoder


def decodes_by_pyav(video: VideoOptions) -> bool:
    """Return whether PyAV decodes: it does where it is installed and nobody says otherwise."""
    return video.decoder is DecoderName.PYAV or (video.decoder is DecoderName.AUTO and _has_pyav())


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


def _has_pyav() -> bool:
    return find_spec("av") is not None
