"""Live video by OpenCV, in two steps: one VideoCapture gives packets, another one decodes them.

OpenCV fixes the size of its pictures when it opens a video and stretches what has another one,
without a word. Packets say what they are: where their size changes, the decoder gives what it still
holds, and a new one goes on. A packet that it refuses is a damaged frame and no lost connection.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edgefeat.errors import SourceError
from edgefeat.sources.base import FrameError
from edgefeat.sources.decoders import one_track
from edgefeat.sources.decoders.base import CannotOpenError, OpenRequest
from edgefeat.sources.decoders.ffmpeg_capture import ffmpeg_capture, size_of_capture
from edgefeat.sources.decoders.ffmpeg_options import ffmpeg_options
from edgefeat.sources.decoders.opencv import (
    ADVICE,
    codec_of,
    duration_of,
    retrieved,
    server_time,
)
from edgefeat.sources.decoders.stated_size import size_of, stating_part

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels, SizeHw

__all__ = ["LiveOpenCvDecoder"]

# The decoder is open after one packet, and gives each frame the number of its packet as it is.
_OPTIONS = {
    "input_format": "matroska",
    "probesize": "32",
    "fpsprobesize": "0",
    "fflags": "nofillin+noparse",
}
# Numbers stand in the upper bits of a time: OpenCV before 5 takes 2 to the 63rd from times whose
# start is not known, and rounds what is left to 53 bits.
_NUMBER, _NUMBERS = 1 << 20, 1 << 43
_REMEMBERED = 256  # packets whose frame has not come yet
_MOST_HELD_BYTES = 1 << 22
_START_CODES = (b"\x00\x00\x01", b"\x00\x00\x00\x01")
_TURNS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


@dataclass(frozen=True, slots=True)
class _Packet:
    """What a decoder takes at once.

    Attributes:
        data: The bytes.
        is_key: Whether it is marked as a key frame.
        position_ms: The stated time of its frame, from the start.
        pts: OpenCV's CAP_PROP_PTS.
    """

    data: bytes
    is_key: bool
    position_ms: float
    pts: float


class LiveOpenCvDecoder:
    """Decodes packets as they come.

    Args:
        packets: What gives them; released on `release`.
        request: How it was opened.

    Raises:
        CannotOpenError: None of them can be decoded.
    """

    advice = ADVICE
    notice: str | None = None

    def __init__(self, packets: cv2.VideoCapture, request: OpenRequest) -> None:
        self._packets, self._request = packets, request
        self._name = request.name
        self._letters = codec_of(packets).lower()
        self._turn = _TURNS.get(int(packets.get(cv2.CAP_PROP_ORIENTATION_META)))
        self._of_number: dict[int, _Packet] = {}
        self._number = 0
        self._frame: _Packet | None = None
        self._ended = False
        first, size_hw = self._first_packet()
        self._next: _Packet | None = first
        self._watch = _SizeWatch(self._letters, first, size_hw)
        self._capture = self._opened()

    @classmethod
    def open(cls, packets: cv2.VideoCapture, request: OpenRequest) -> LiveOpenCvDecoder:
        """Begin to decode.

        Args:
            packets: A place that is open for its packets; released if this fails.
            request: How it was opened.

        Raises:
            CannotOpenError: None of them can be decoded.
            SourceError: Others were being opened for too long.
        """
        try:
            return cls(packets, request)
        except BaseException:
            packets.release()
            raise

    @property
    def codec(self) -> str:
        """The codec's four letters."""
        return codec_of(self._packets)

    @property
    def fps(self) -> float:
        """The frame rate that the container states."""
        return float(self._packets.get(cv2.CAP_PROP_FPS))

    @property
    def duration_s(self) -> float | None:
        """How long the recording says it is."""
        return duration_of(self._packets)

    @property
    def position_ms(self) -> float:
        """The stated time of the frame last grabbed; it starts anew with each connection."""
        return float("nan") if self._frame is None else self._frame.position_ms

    @property
    def server_s(self) -> float | None:
        """The server's own time of that frame."""
        return None if self._frame is None else server_time(self._frame.pts, self.fps)

    def grab(self) -> bool:
        """Go to the next frame.

        Raises:
            FrameError: The next packet cannot be decoded.
            SourceError: A new size came, and cannot be decoded.
        """
        self._frame, before = None, self._number
        while not self._capture.grab():
            if self._next is not None:
                self._go_on_with_new_size()
            elif self._ended or self._number == before:
                return False
            else:
                raise FrameError("a packet cannot be decoded", where=self._name)
        ticks = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self._frame = self._of_number.pop(round(ticks / _NUMBER) % _NUMBERS, None)
        return True

    def retrieve(self) -> Pixels:
        """Return the frame last grabbed, upright: uint8 `(height, width, 3)`, BGR.

        Raises:
            FrameError: It cannot be decoded.
        """
        image = retrieved(self._capture, self._name)
        if self._turn is None:
            return image
        return cv2.rotate(image, self._turn).astype(np.uint8, copy=False)

    def retrieve_later(self) -> Pixels:
        """Return the same (uint8, BGR): OpenCV keeps none for later."""
        return self.retrieve()

    def release(self) -> None:
        """Let it go."""
        self._capture.release()
        self._packets.release()

    def _first_packet(self) -> tuple[_Packet, SizeHw]:
        """Return the first packet that shows a size, with what comes apart from packets."""
        deadline = time.monotonic() + self._request.timeout_s
        extradata = _extradata(self._packets)
        before = extradata if extradata.startswith(_START_CODES) else b""
        while (packet := self._taken()) and time.monotonic() < deadline:
            packet = replace(packet, data=before + packet.data)
            if self._letters not in one_track.CODECS:
                return packet, size_of_capture(self._packets)
            size_hw = size_of(self._letters, packet.data)
            if size_hw is not None:
                return packet, size_hw
        raise CannotOpenError

    def _go_on_with_new_size(self) -> None:
        self._capture.release()
        try:
            self._capture = self._opened()
        except CannotOpenError:
            raise SourceError("a new size cannot be decoded", where=self._name) from None

    def _opened(self) -> cv2.VideoCapture:
        """Return a decoder of the packets from here on."""
        self._feed = _Feed(self._head(), self._piece)
        timeout_s = self._request.timeout_s
        settings = {
            cv2.CAP_PROP_N_THREADS: 1,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: max(1, round(timeout_s * 1000)),
        }
        with ffmpeg_options(_OPTIONS, name=self._name, timeout_s=timeout_s):
            return ffmpeg_capture(self._feed, settings)

    def _head(self) -> bytes:
        if self._letters in one_track.CODECS:
            return one_track.head(self._letters)
        code = int(self._packets.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
        return one_track.head_by_fourcc(
            code.to_bytes(4, "little"), size_of_capture(self._packets), _extradata(self._packets)
        )

    def _piece(self) -> bytes:
        """Return what follows in the file that is being decoded; empty at its end."""
        packet, self._next = self._next, None
        if packet is None:
            packet = self._taken()
            if packet is None:
                self._ended = True
                return b""
            self._next = self._watch.first_of_new_size(packet)
            if self._next is not None:
                return b""
        self._number += 1
        self._of_number[self._number] = packet
        self._of_number.pop(self._number - _REMEMBERED, None)
        return one_track.packet_at(self._number * _NUMBER, packet.data)

    def _taken(self) -> _Packet | None:
        """Wait for a packet; None at the end."""
        packets = self._packets
        while packets.grab():
            done, data = packets.retrieve()
            if done and data is not None and data.size:  # an empty one would end the decoder
                return _Packet(
                    data.tobytes(),
                    bool(packets.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME)),
                    packets.get(cv2.CAP_PROP_POS_MSEC),
                    packets.get(cv2.CAP_PROP_PTS),
                )
        return None


class _SizeWatch:
    """Notices where packets begin to show another size.

    Args:
        letters: The codec.
        first: The first packet.
        size_hw: Height and width of its frame.
    """

    def __init__(self, letters: str, first: _Packet, size_hw: SizeHw) -> None:
        self._letters, self._size_hw = letters, size_hw
        self._stated = stating_part(letters, first.data, is_key=first.is_key)
        self._held = b""  # what states a new size, until a frame that shows it has come

    def first_of_new_size(self, packet: _Packet) -> _Packet | None:
        """Return what a new decoder has to begin with; None to go on with the old one.

        Args:
            packet: The next packet.
        """
        stated = stating_part(self._letters, packet.data, is_key=packet.is_key)
        if stated and stated != self._stated:
            self._stated, self._held = stated, b""
        elif not self._held:
            return None
        self._held += packet.data
        found = size_of(self._letters, self._held)
        if found is None and len(self._held) < _MOST_HELD_BYTES:
            return None
        data, self._held = self._held, b""
        if found is None or found == self._size_hw:
            return None
        self._size_hw = found
        return replace(packet, data=data)


class _Feed(io.BufferedIOBase):
    """A file that is made while it is read; it cannot go back.

    Args:
        head: What it begins with.
        more: Returns what follows; empty at the end, after which it is not called again.
    """

    def __init__(self, head: bytes, more: Callable[[], bytes]) -> None:
        self._rest, self._more = head, more
        self._ended = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self._rest and not self._ended:
            self._rest = self._more()
            self._ended = not self._rest
        end = len(self._rest) if size is None or size < 0 else size
        given, self._rest = self._rest[:end], self._rest[end:]
        return given

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return -1

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def _extradata(capture: cv2.VideoCapture) -> bytes:
    """Return what a decoder needs beside packets."""
    place = int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX))
    done, data = capture.retrieve(flag=place)
    return data.tobytes() if done and data is not None else b""
