"""Video as PyAV reads it: damaged frames are known as such, and each frame has its own size.

A decoder fills in what was lost on the way, and the pictures that follow build on it. FFmpeg marks
the packets and frames that it found damaged; PyAV hands the marks on. From a damaged frame to the
next key frame no frame is given.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from edgefeat.errors import OptionError, SourceError
from edgefeat.sources.base import FrameError, Unconverted
from edgefeat.sources.decoders.base import CannotOpenError, OpenRequest

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["PyAvDecoder"]

_MICROSECONDS = 1_000_000
# Streams that refresh bit by bit have no key frames: they are trusted again after so long.
_LONGEST_WAIT_S = 60.0
_QUARTER_TURNS = 4
_FROM_NOW = -(2**63)
_ONE_FILE_A_CONNECTION = {"http_persistent": "0", "http_multiple": "0"}
_SAMPLE_STEP = 251  # bytes of the first plane; a prime, so that it walks over the columns


class PyAvDecoder:
    """Reads an open container.

    Args:
        container: PyAV's, opened for reading; closed on `release`.
        request: How it was opened.

    Attributes:
        notice: What the decoder does differently from what was asked.
    """

    advice = ""

    def __init__(self, container: Any, request: OpenRequest) -> None:
        self._container, self._name = container, request.name
        self._timeout_s = request.timeout_s
        self._stream = container.streams.video[0]
        self._stream.thread_type = "NONE" if request.live else "AUTO"
        if request.live:
            self._stream.codec_context.thread_count = 1
        if request.video.key_frames:
            self._stream.codec_context.skip_frame = "NONKEY"
        self._frames = self._decoded()
        self._frame: Any = None
        self._damaged_at: float | None = None
        self._suspect_pts: int | None = None
        self.notice: str | None = None
        self._hardware = request.video.hardware

    @classmethod
    def open(cls, request: OpenRequest) -> PyAvDecoder:
        """Open a place.

        Raises:
            CannotOpenError: It is no video that FFmpeg reads, or nobody answers.
        """
        started = time.monotonic()
        import av  # takes part of the time there is, when it is the first

        limit_s = max(0.1, request.timeout_s - (time.monotonic() - started))
        more: dict[str, Any] = {}
        if request.video.hardware is not None:
            more["hwaccel"] = _hardware(request.video.hardware)
        options = dict(request.options)
        if (opener := request.opener) is not None:
            more["io_open"] = lambda url, _flags, given: opener(url, given)
            options |= _ONE_FILE_A_CONNECTION
        try:
            container = av.open(
                request.place,
                options=options,
                timeout=(limit_s, request.timeout_s),
                metadata_errors="replace",
                **more,
            )
        except (OSError, ValueError) as error:  # FFmpegError is one of them; it quotes the place
            raise CannotOpenError(_reason(error)) from None
        if not container.streams.video:
            container.close()
            raise CannotOpenError("no video in it")
        if container.streams.video[0].codec_context is None:
            codec = container.streams.video[0].name or "unknown"
            container.close()
            raise CannotOpenError(f"no decoder for its codec, {codec}")
        return cls(container, request)

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec."""
        return str(self._stream.codec_context.name)

    @property
    def fps(self) -> float:
        """The frame rate that the container states."""
        return float(self._stream.average_rate or 0)

    @property
    def duration_s(self) -> float | None:
        """How long the recording says it is."""
        duration = self._container.duration
        return duration / _MICROSECONDS if duration and duration > 0 else None

    @property
    def position_ms(self) -> float:
        """The stated time of the frame last grabbed, from the stream's start."""
        if self.server_s is None:
            return float("nan")
        start = self._stream.start_time
        start_s = 0.0 if start is None else float(start * self._stream.time_base)
        return (self.server_s - start_s) * 1000

    @property
    def server_s(self) -> float | None:
        """The server's own time of that frame."""
        return None if self._frame is None or self._frame.time is None else float(self._frame.time)

    def grab(self) -> bool:
        """Go to the next frame that is not damaged.

        Raises:
            FrameError: The next frame is damaged, or follows a damaged one.
            SourceError: The connection is lost.
        """
        import av

        self._frame = None
        try:
            frame = next(self._frames, None)
        except av.error.ExitError:
            raise SourceError(f"no frame for {self._timeout_s:g} s", where=self._name) from None
        except (OSError, ValueError) as error:
            raise SourceError(_reason(error), where=self._name) from None
        if frame is None:
            return False
        if isinstance(frame, str) or frame.is_corrupt or self._is_suspect(frame):
            self._damaged_at, self._suspect_pts = time.monotonic(), None
            what = frame if isinstance(frame, str) else "a frame is damaged"
            raise FrameError(f"{what}: no frame until the next key frame", where=self._name)
        if self._damaged_at is not None:
            late = time.monotonic() - self._damaged_at > _LONGEST_WAIT_S
            if not (frame.key_frame or late):
                raise FrameError("a frame builds on a damaged one", where=self._name)
            self._damaged_at = None
        self._frame = frame
        self._note_hardware()
        return True

    def retrieve(self) -> Pixels:
        """Return the frame last grabbed, upright: uint8 `(height, width, 3)`, BGR.

        Raises:
            FrameError: No frame was grabbed, or it cannot be shown.
        """
        return _converted(self._grabbed(), self._name)

    def retrieve_later(self) -> Pixels | Unconverted:
        """Return the frame last grabbed, in the decoder's own planes (uint8, BGR in a device's).

        Raises:
            FrameError: No frame was grabbed, or it cannot be shown.
        """
        frame = self._grabbed()
        if len(frame.planes) == 0:  # in the memory of a device
            return self.retrieve()
        turned = _quarters(frame) % 2 == 1
        return Unconverted(
            size_hw=(frame.width, frame.height) if turned else (frame.height, frame.width),
            sample=bytes(memoryview(frame.planes[0])[::_SAMPLE_STEP]),
            convert=partial(_converted, frame, self._name),
        )

    def release(self) -> None:
        """Let it go."""
        self._frame = None
        self._frames.close()
        self._container.close()

    def _grabbed(self) -> Any:
        if self._frame is None:
            raise FrameError("no frame was grabbed", where=self._name)
        return self._frame

    def _decoded(self) -> Generator[Any, None, None]:
        """Yield frames, and for each packet that cannot be decoded a text that says so."""
        import av

        for packet in self._container.demux(self._stream):
            if packet.is_corrupt and self._suspect_pts is None:
                self._suspect_pts = packet.pts if packet.pts is not None else _FROM_NOW
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.FFmpegError as error:
                yield f"a packet cannot be decoded ({_reason(error)})"
                continue
            yield from frames

    def _is_suspect(self, frame: Any) -> bool:
        """Return whether a frame is of a damaged packet, or the first after it."""
        if self._suspect_pts is None:
            return False
        return frame.pts is None or frame.pts >= self._suspect_pts

    def _note_hardware(self) -> None:
        if self._hardware is not None and not self._stream.codec_context.is_hwaccel:
            self.notice = f"{self._hardware} cannot decode {self.codec}: the CPU does it"
            self._hardware = None


def _converted(frame: Any, name: str) -> Pixels:
    """Return a frame upright: uint8 `(height, width, 3)`, BGR."""
    import av

    try:
        image: Pixels = frame.to_ndarray(format="bgr24")
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise FrameError(f"a frame cannot be shown: {_reason(error)}", where=name) from None
    quarters = _quarters(frame)
    return np.ascontiguousarray(np.rot90(image, quarters)) if quarters else image


def _quarters(frame: Any) -> int:
    quarters: int = round(frame.rotation / 90) % _QUARTER_TURNS
    return quarters


def _hardware(name: str) -> Any:
    from av.codec.hwaccel import HWAccel, hwdevices_available

    there = hwdevices_available()
    if name not in there:
        raise OptionError(
            f"expected one of {', '.join(there) or 'none'}, got {name!r}", option="hardware"
        )
    return HWAccel(name, allow_software_fallback=True)


def _reason(error: Exception) -> str:
    """Say what went wrong without the place, which may have a password in it."""
    return str(getattr(error, "strerror", None) or type(error).__name__)
