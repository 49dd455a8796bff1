"""A USB camera for a process of its own: OpenCV's Video4Linux code reads it as any other.

The kernel's part is played by usb_camera.c, which the C compiler makes into a library (Debian:
apt-get install gcc libc6-dev). The camera's path lies in /dev/shm, so that it needs no rights.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["COMPILER", "usb_camera"]

COMPILER = "gcc"


@contextmanager
def usb_camera(
    frames: Mapping[str, Sequence[bytes]],
    *,
    size_hw: tuple[int, int],
    fps: float = 60,
    unplugged_at: int | None = None,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the camera's path, and the environment of a process that sees it.

    Args:
        frames: For each four-letter format that it offers, its frames, again and again. The first
            format is the one that it has until another one is asked of it.
        size_hw: Height and width of all frames.
        fps: Frames a second.
        unplugged_at: The number of the frame at which it is pulled out; plugged in again at once.
    """
    assert shutil.which(COMPILER), f"apt-get install {COMPILER} libc6-dev"
    with TemporaryDirectory() as place, TemporaryDirectory(dir="/dev/shm") as devices:
        folder = Path(place)
        library = folder / "usb_camera.so"
        source = Path(__file__).with_suffix(".c")
        subprocess.run([COMPILER, "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
        for code, pictures in frames.items():
            (folder / f"{code}-{size_hw[1]}x{size_hw[0]}").mkdir()
            for number, picture in enumerate(pictures):
                path = folder / f"{code}-{size_hw[1]}x{size_hw[0]}" / str(number)
                path.write_bytes(picture)
        camera = Path(devices) / "video0"
        camera.touch()
        environment = {
            **os.environ,
            "LD_PRELOAD": str(library),
            "USB_CAMERA": str(camera),
            "USB_CAMERA_FRAMES": str(folder),
            "USB_CAMERA_FORMAT": next(iter(frames)),
            "USB_CAMERA_FPS": f"{fps:g}",
        }
        if unplugged_at is not None:
            environment["USB_CAMERA_UNPLUG"] = str(unplugged_at)
        yield str(camera), environment
