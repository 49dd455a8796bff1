"""JPEG decoding: OpenCV beside simplejpeg (libjpeg-turbo in 0.6 MB), whole and at reduced scale.

    pip install simplejpeg && python tests/bench/bench_decode.py [-n 15] [-o FILE]

In turns, one thread; medians over the photos, and in how many of them the pixels are the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from edgefeat.pictures.decode import load_bgr

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data" / "photos"
PHOTOS = sorted((SHARED if SHARED.exists() else ROOT / "tests/data/photos").glob("*.jpg"))[::6]
SIZES = {"640x480": (480, 640), "1080p": (1080, 1920), "12 MP": (3000, 4000)}
KEEP_SIDE = 504  # as for the shipped model's 224
Decode = Callable[[bytes], NDArray[np.uint8]]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=15, help="turns of each decoder")
    parser.add_argument("-o", type=Path, help="write JSON here")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rows = []
    print(f"{'input':<9}{'scale':<9}{'cv2 ms':>8}{'simplejpeg':>12}{'ratio':>7}  same")  # noqa: T201
    for name, size in SIZES.items():
        files = [_jpeg(path, size) for path in PHOTOS]
        for scale, (first, second) in _decoders().items():
            rows.append({"input": name, "scale": scale} | _row(files, first, second, arguments.n))
            print(  # noqa: T201
                f"{name:<9}{scale:<9}{rows[-1]['cv2_ms']:8.2f}{rows[-1]['simplejpeg_ms']:12.2f}"
                f"{rows[-1]['ratio']:7.2f}  {rows[-1]['same']} of {len(files)}",
                flush=True,
            )
    if arguments.o:
        arguments.o.write_text(json.dumps(rows, indent=1))
    return 0


def _decoders() -> dict[str, tuple[Decode, Decode]]:
    def small(data: bytes) -> NDArray[np.uint8]:
        return simplejpeg.decode_jpeg(data, "BGR")

    def small_reduced(data: bytes) -> NDArray[np.uint8]:
        return simplejpeg.decode_jpeg(data, "BGR", min_height=KEEP_SIDE, min_width=KEEP_SIDE)

    return {
        "full": (load_bgr, small),
        "reduced": (lambda data: load_bgr(data, keep_side=KEEP_SIDE), small_reduced),
    }


def _row(files: list[bytes], first: Decode, second: Decode, turns: int) -> dict[str, Any]:
    same = sum(np.array_equal(first(data), second(data)) for data in files)
    samples: tuple[list[float], list[float]] = ([], [])
    for turn in range(turns):
        for decode, times in zip((first, second), samples, strict=True):
            started = time.perf_counter()
            decode(files[turn % len(files)])
            times.append((time.perf_counter() - started) * 1e3)
    ours, theirs = (statistics.median(times) for times in samples)
    ratio = statistics.median(b / a for a, b in zip(*samples, strict=True))
    return {"cv2_ms": ours, "simplejpeg_ms": theirs, "ratio": ratio, "same": same}


def _jpeg(path: Path, size: tuple[int, int]) -> bytes:
    frame = cv2.imread(str(path))
    if frame.shape[0] > frame.shape[1]:
        frame = cv2.rotate(frame, cv2.ROTATE_90_CLOCKWISE)
    how = cv2.INTER_CUBIC if size[0] > frame.shape[0] else cv2.INTER_AREA
    frame = cv2.resize(frame, size[::-1], interpolation=how)
    return cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


if __name__ == "__main__":
    sys.exit(main())
