"""YUV4MPEG2 on a pipe: raw frames with a header that says their size, layout and rate.

`ffmpeg -f yuv4mpegpipe -pix_fmt yuv420p -`. Frames of 8 bits are read: 4:2:0 and grey.
"""

from __future__ import annotations

from collections.abc import Callable

from edgefeat.errors import SourceError
from edgefeat.sources.rawvideo import PixelFormat, RawFormat

__all__ = ["START_OF_Y4M", "read_y4m_header"]

START_OF_Y4M = b"YUV4MPEG2"
_MAX_HEADER_BYTES = 1024
_LAYOUTS = {"420": PixelFormat.YUV420P, "mono": PixelFormat.GRAY8}
_SAME_PLACES = ("420", "420jpeg", "420mpeg2", "420paldv")  # where the colour samples lie
_CONVERT = "Convert it, as with `ffmpeg -i INPUT -pix_fmt yuv420p -f yuv4mpegpipe -`."


def read_y4m_header(read: Callable[[int], bytes], name: str) -> RawFormat:
    """Read the stream's header up to its line's end; return what it says of the frames.

    Args:
        read: Waits for exactly so many bytes; fewer at the end.
        name: What the source is called, for messages.

    Raises:
        SourceError: It is none, or its frames are of a kind that is not read.
    """
    fields = _line(read, name).decode("latin-1").split()[1:]
    said = {field[0]: field[1:] for field in fields}
    layout = said.get("C", "420")
    pixel = _LAYOUTS.get("420" if layout in _SAME_PLACES else layout)
    if pixel is None:
        problem = f"expected frames of 4:2:0 or grey in 8 bits, got C{layout}"
        raise SourceError(problem, where=name, remedy=_CONVERT)
    try:
        height, width = int(said["H"]), int(said["W"])
        return RawFormat(size_hw=(height, width), pixel=pixel, fps=_rate(said.get("F", "")))
    except (KeyError, ValueError) as error:
        problem = f"the YUV4MPEG2 header makes no sense: {' '.join(fields)}"
        raise SourceError(problem, where=name, remedy=_CONVERT) from error


def _line(read: Callable[[int], bytes], name: str) -> bytes:
    line = bytearray()
    while (byte := read(1)) != b"\n":
        line += byte
        if not byte or len(line) > _MAX_HEADER_BYTES:
            raise SourceError("the YUV4MPEG2 header has no end", where=name)
    return bytes(line)


def _rate(text: str) -> float | None:
    """Return the rate that `25:1` means; None if it is unknown or none that video has."""
    count, _, seconds = text.partition(":")
    if not (count.isdecimal() and seconds.isdecimal() and int(count) and int(seconds)):
        return None
    fps = int(count) / int(seconds)
    return fps if fps <= 1000 else None
