"""Cameras of this device, through Video4Linux: what to ask of one, and what it then does."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import cv2

from edgefeat.errors import OptionError, SourceError
from edgefeat.sources.base import Traits
from edgefeat.sources.camera_frames import CameraReader

__all__ = ["CameraRequest", "CameraSource", "limit_waits"]

_WAIT_VARIABLE = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRequest:
    """What to ask of a camera.

    Attributes:
        size_hw: Height and width in pixels; None leaves them to the driver.
        fps: Frames per second; None leaves the rate to the driver.
        pixel: Four-letter format, such as `MJPG` or `YUYV`; None leaves it to the driver.
    """

    size_hw: tuple[int, int] | None = None
    fps: float | None = None
    pixel: str | None = None

    def __post_init__(self) -> None:
        if self.pixel is not None and len(self.pixel) != 4:
            raise OptionError(
                f"expected four letters such as MJPG, got {self.pixel!r}", option="pixel"
            )

    def settings(self) -> list[tuple[int, float]]:
        """Return OpenCV's properties in the order that works: format, size, rate.

        Drivers list sizes and rates per format: a size asked for first is cut down to what the
        present format offers.
        """
        wanted: list[tuple[int, float]] = []
        if self.pixel is not None:
            wanted.append((cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*self.pixel)))
        if self.size_hw is not None:
            wanted.append((cv2.CAP_PROP_FRAME_WIDTH, self.size_hw[1]))
            wanted.append((cv2.CAP_PROP_FRAME_HEIGHT, self.size_hw[0]))
        if self.fps is not None:
            wanted.append((cv2.CAP_PROP_FPS, self.fps))
        return wanted

    def difference(self, got: CameraRequest) -> str | None:
        """Say what a camera gave instead of what was asked; None where they agree."""
        parts: list[str] = []
        if self.pixel is not None and self.pixel != got.pixel:
            parts.append(f"format {self.pixel}, got {got.pixel or 'unknown'}")
        if self.size_hw is not None and self.size_hw != got.size_hw:
            parts.append(f"size {_size(self.size_hw)}, got {_size(got.size_hw)}")
        if self.fps is not None and abs(self.fps - (got.fps or 0)) > 0.5:
            parts.append(f"{self.fps:g} fps, got {got.fps or 0:g}")
        return "asked for " + "; ".join(parts) if parts else None


class CameraSource:
    """A camera of this device.

    Args:
        device: Index, or path of the device.
        request: What to ask of the camera.
    """

    def __init__(self, device: int | str, request: CameraRequest | None = None) -> None:
        self.name = f"camera {device}" if isinstance(device, int) else device
        self.traits = Traits(live=True, reopens=True)
        self._device, self._request = device, request or CameraRequest()

    def open(self, *, timeout_s: float) -> CameraReader:
        """Open the device and ask for the format.

        Raises:
            SourceError: No such device, no right to use it, or another program has it.
        """
        self._check_node()
        told = limit_waits(timeout_s)
        with ExitStack() as held:
            capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
            held.callback(capture.release)
            if not capture.isOpened():
                raise SourceError(
                    "the camera cannot be opened",
                    where=self.name,
                    remedy="Close other programs that use it.",
                )
            for setting, value in self._request.settings():
                capture.set(setting, value)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            given = _given(capture)
            differs = self._request.difference(given)
            notice = "; ".join(text for text in (differs, told) if text is not None)
            reader = CameraReader(
                capture,
                self.name,
                pixel=given.pixel,
                size_hw=given.size_hw,
                timeout_s=timeout_s,
                notice=notice or None,
            )
            held.pop_all()  # the reader releases it from now on
            return reader

    @property
    def node(self) -> Path:
        """The device's file."""
        return Path(self._device if isinstance(self._device, str) else f"/dev/video{self._device}")

    def _check_node(self) -> None:
        """Say what is wrong with the device's file, if anything is."""
        node = self.node
        if not node.exists():
            found = ", ".join(sorted(map(str, Path("/dev").glob("video*")))) or "none"
            raise SourceError(
                f"no such device {node}", where=self.name, remedy=f"Cameras here: {found}."
            )
        if not os.access(node, os.R_OK | os.W_OK):
            raise SourceError(
                f"no right to use {node}", where=self.name, remedy="Join the group `video`."
            )


def limit_waits(timeout_s: float) -> str | None:
    """Tell OpenCV how long to wait for a camera's frame; return what it will not do as asked.

    OpenCV waits ten seconds unless an environment variable says otherwise, in whole seconds. It
    reads the variable once, when it first waits for any camera (`tryIoctl` in `cap_v4l.cpp`). So
    the first value that this process sets holds for all its cameras. A longer wait only delays
    the release of a dead camera: that it is lost is noticed after its own timeout.
    """
    wanted_s = str(max(1, round(timeout_s)))
    kept_s = os.environ.setdefault(_WAIT_VARIABLE, wanted_s)
    if kept_s == wanted_s:
        return None
    return (
        f"OpenCV waits {kept_s} s for a frame of any camera of this process, not {wanted_s} s: "
        "the first camera's timeout holds"
    )


def _given(capture: cv2.VideoCapture) -> CameraRequest:
    """Read back what a camera really does."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    letters = "".join(chr((code >> shift) & 0xFF) for shift in (0, 8, 16, 24))
    size = (
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
    )
    fps = capture.get(cv2.CAP_PROP_FPS)
    return CameraRequest(size_hw=size, fps=fps, pixel=letters if letters.isprintable() else None)


def _size(size_hw: tuple[int, int] | None) -> str:
    return "unknown" if size_hw is None else f"{size_hw[1]}x{size_hw[0]}"
