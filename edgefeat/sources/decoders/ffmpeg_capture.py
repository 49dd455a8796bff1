"""Opens places and files by OpenCV's own FFmpeg: quietly."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import cv2

from edgefeat.pictures.native_words import listening
from edgefeat.sources.decoders.base import CannotOpenError, Place

if TYPE_CHECKING:
    from edgefeat.arrays import SizeHw

__all__ = ["ffmpeg_capture", "size_of_capture"]


def ffmpeg_capture(place: Place, settings: Mapping[int, int]) -> cv2.VideoCapture:
    """Open a place.

    Args:
        place: A path, a URL, or a file object, which the caller keeps until the capture is
            released: OpenCV would free it without Python's lock, and crash.
        settings: OpenCV's properties, by their numbers.

    Raises:
        CannotOpenError: It is no video that OpenCV reads; OpenCV never says why.
    """
    # FFmpeg writes to stderr by itself, URLs and all; what is wrong is said by us.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    flat = [number for setting in settings.items() for number in setting]
    with listening():
        capture = cv2.VideoCapture(place, cv2.CAP_FFMPEG, flat)  # type: ignore[arg-type]
    if not capture.isOpened():
        capture.release()
        raise CannotOpenError
    return capture


def size_of_capture(capture: cv2.VideoCapture) -> SizeHw:
    """Return height and width of a capture's frames, as they were when it was opened."""
    return (
        int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
    )
