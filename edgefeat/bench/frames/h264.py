"""A recording in H.264, as cameras make them, written with PyAV's encoder where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgefeat.errors import DependencyError

if TYPE_CHECKING:
    from edgefeat.arrays import Pixels

__all__ = ["KEY_FRAME_EVERY", "write_h264"]

_ENCODER = "libx264"
_FPS = 25
_FRAMES = 75
KEY_FRAME_EVERY = 25
"""Frames from one key frame to the next."""
_STEP = 4  # pixels that the picture moves from one frame to the next
_OPTIONS = {"preset": "veryfast", "g": str(KEY_FRAME_EVERY), "bf": "0"}


def write_h264(path: Path, pictures: Sequence[Pixels]) -> None:
    """Write three seconds of pictures that move, 25 frames a second, a key frame each second.

    Args:
        path: The file.
        pictures: Frames of one size, uint8 `(height, width, 3)`, BGR; one for each second.

    Raises:
        DependencyError: There is no encoder.
    """
    if find_spec("av") is None:
        raise DependencyError(
            "there is no encoder: the package av is not installed",
            remedy="Install it: pip install 'edgefeat[av]', or name a video.",
        )
    import av

    height, width = pictures[0].shape[:2]
    with av.open(str(path), "w") as container:
        try:
            stream = container.add_stream(_ENCODER, rate=_FPS, options=_OPTIONS)
        except (av.error.FFmpegError, ValueError) as error:
            raise DependencyError(
                f"there is no encoder: this build of av has no {_ENCODER}",
                remedy="Name a video.",
            ) from error
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(_FRAMES):
            picture = pictures[number // KEY_FRAME_EVERY % len(pictures)]
            moved = np.roll(picture, _STEP * number, axis=1)
            frame = av.VideoFrame.from_ndarray(moved, format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
