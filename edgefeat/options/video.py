"""The options of video: which library decodes it, and what it may leave out."""

from __future__ import annotations

from enum import StrEnum

from edgefeat.errors import OptionError
from edgefeat.options.checks import switch
from edgefeat.options.option import Options, member_of, option

__all__ = ["DecoderName", "VideoOptions"]


class DecoderName(StrEnum):
    """Which library decodes video."""

    AUTO = "auto"  # PyAV where it is installed, else OpenCV
    OPENCV = "opencv"
    PYAV = "pyav"


def _name(option_name: str, value: object) -> str:
    if not isinstance(value, str) or not value.isidentifier():
        raise OptionError(
            f"expected the name of a device type, such as vaapi, got {value!r}", option=option_name
        )
    return value


class VideoOptions(Options):
    """How video is decoded."""

    decoder: DecoderName = option(
        DecoderName.AUTO,
        "library that decodes video: opencv, or pyav, which notices damaged frames; "
        "auto takes pyav where it is installed",
        check=member_of(DecoderName),
        metavar="NAME",
    )
    key_frames: bool = option(
        False,
        "decode only key frames, which costs least: one every few seconds in most streams",
        check=switch,
    )
    hardware: str | None = option(
        None,
        "decode by a device of FFmpeg's, such as vaapi, cuda, drm or videotoolbox (default: by "
        "the CPU)",
        check=_name,
        metavar="NAME",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.decoder is DecoderName.OPENCV:
            for name in ("key_frames", "hardware"):
                if getattr(self, name):
                    raise OptionError(
                        "needs the decoder pyav, got opencv", option=name, remedy="Leave it out."
                    )
