"""What a camera's frame costs, by kind of source: JPEG frames, key frames, planes of YUV.

    python tests/bench/bench_frames.py [SECTION ...] [--frames N]

Sections: jpeg keys planes. Each prints CPU times and their ratio, measured in turns in one run; the
exit code is 1 if a ratio is above what is allowed. `keys` needs PyAV and the program ffmpeg.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import edgefeat
from edgefeat.options.video import VideoOptions
from edgefeat.pictures.resize import area, staged
from edgefeat.sources import open_source

PHOTOS = Path(__file__).parent.parent / "data" / "photos"
SIZES_HW = ((480, 640), (720, 1280), (1080, 1920))
# Below 1080p nothing is reduced: both ways are the same, and differ by noise.
ALLOWED_JPEG = {(480, 640): 1.05, (720, 1280): 1.05, (1080, 1920): 0.65}
ALLOWED_KEYS = 0.10


@dataclass(frozen=True)
class Row:
    """Two ways to the same frame, and their ratio of CPU time."""

    what: str
    before_ms: float
    after_ms: float
    allowed: float | None
    more: str = ""

    @property
    def holds(self) -> bool:
        return self.allowed is None or self.after_ms <= self.allowed * self.before_ms


def photos(size_hw: tuple[int, int]) -> list[Any]:
    """Return the sample photos as frames of a size: uint8 BGR."""
    paths = sorted(PHOTOS.glob("*.jpg"))
    return [cv2.resize(cv2.imread(str(path)), size_hw[::-1]) for path in paths]


def in_turns(*ways: Callable[[], object], rounds: int) -> list[float]:
    """Return the median CPU time in ms of each way."""
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, taken in zip(ways, times, strict=True):
            before = time.process_time()
            way()
            taken.append(1000 * (time.process_time() - before))
    return [statistics.median(taken[2:]) for taken in times]


def jpeg(fx: edgefeat.FeatureExtractor, frames: int) -> Iterator[Row]:
    """A JPEG frame to features: decoded whole, and as a stream does it, at the scale needed."""
    for size_hw in SIZES_HW:
        encoded = [cv2.imencode(".jpg", one, [1, 85])[1].tobytes() for one in photos(size_hw)]

        def whole(encoded: Sequence[bytes] = encoded) -> None:
            for one in encoded:
                fx.extract(cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR))

        def reduced(encoded: Sequence[bytes] = encoded) -> None:
            for one in encoded:
                fx.extract(one)

        before, after = in_turns(whole, reduced, rounds=frames)
        count = len(encoded)
        name = f"JPEG {size_hw[1]}x{size_hw[0]}: decoded whole / as a stream does"
        yield Row(name, before / count, after / count, ALLOWED_JPEG[size_hw])


def keys(fx: edgefeat.FeatureExtractor, frames: int) -> Iterator[Row]:
    """1080p25 H.264 with a key frame every 2 s: every frame decoded, and key frames alone."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        source = ["-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=25", "-t", "10"]
        codec = ["-c:v", "libx264", "-preset", "veryfast", "-b:v", "4M", "-g", "50", "-bf", "2"]
        subprocess.run(
            ["ffmpeg", "-v", "error", *source, *codec, "-pix_fmt", "yuv420p", clip], check=True
        )
        counts: dict[str, int] = {}

        def read(name: str, video: VideoOptions) -> None:
            reader = open_source(clip, video=video).open(timeout_s=5)
            counts[name] = 0
            while reader.grab() is not None:
                counts[name] += 1
            reader.close()

        before, after = in_turns(
            lambda: read("all", VideoOptions.of(decoder="pyav")),
            lambda: read("keys", VideoOptions.of(key_frames=True)),
            rounds=5,
        )
        what = f"H.264 1080p25, 10 s: {counts['all']} frames / {counts['keys']} key frames"
        yield Row(what, before, after, ALLOWED_KEYS)


def planes(fx: edgefeat.FeatureExtractor, frames: int) -> Iterator[Row]:
    """A yuv420p frame to the graph's input: converted and reduced, and reduced and converted."""
    for size_hw in SIZES_HW:
        pictures = [cv2.cvtColor(one, cv2.COLOR_BGR2YUV_I420) for one in photos(size_hw)]

        def converted(pictures: Sequence[Any] = pictures) -> list[Any]:
            return [fx.resize(cv2.cvtColor(one, cv2.COLOR_YUV2BGR_I420)) for one in pictures]

        def reduced(pictures: Sequence[Any] = pictures, size_hw: Any = size_hw) -> list[Any]:
            return [_reduced(one, size_hw, fx.spec.input.size_hw) for one in pictures]

        before, after = in_turns(converted, reduced, rounds=frames)
        cosines = [
            edgefeat.cosine_similarity(*fx.extract_prepared(np.stack(pair)))
            for pair in zip(converted(), reduced(), strict=True)
        ]
        count, name = len(pictures), f"yuv420p {size_hw[1]}x{size_hw[0]}"
        yield Row(
            f"{name}: converted, then reduced / the other way round",
            before / count,
            after / count,
            None,
            f"cosine between them at least {min(cosines):.3f}",
        )


def _reduced(frame: Any, size_hw: tuple[int, int], target_hw: tuple[int, int]) -> Any:
    """Return RGB in the target's size by reducing each plane first, all in whole numbers."""
    (height, width), flat = size_hw, frame.reshape(-1)
    quarter = height * width // 4
    luma = flat[: 4 * quarter].reshape(height, width)
    colours = flat[4 * quarter :].reshape(2, height // 2, width // 2)
    y, u, v = (
        _reduced_plane(one, target_hw).astype(np.int32) for one in (luma, colours[0], colours[1])
    )
    y, u, v = (y - 16) * 76309 + 32768, u - 128, v - 128
    rgb = np.empty((*target_hw, 3), np.uint8)
    for place, sums in enumerate((y + v * 104597, y - u * 25675 - v * 53279, y + u * 132201)):
        sums >>= 16
        rgb[..., place] = np.clip(sums, 0, 255, out=sums)
    return rgb


_GRAPHS: dict[Any, Any] = {}


def _reduced_plane(plane: Any, target_hw: tuple[int, int]) -> Any:
    """Reduce one plane in the way that is fastest for its size, as colour pictures are."""
    if not area.fits(plane.shape, target_hw):
        return staged.shrink(plane, target_hw)
    if (plane.shape, target_hw) not in _GRAPHS:
        from edgefeat.engine.cpu import open_session, session_options
        from edgefeat.pictures.resize import areagraph

        graph, plan = areagraph.build(plane.shape, target_hw, channels=1, kept=(0,))
        session = open_session(graph, session_options(arena=False, optimise=False))
        _GRAPHS[plane.shape, target_hw] = plan, session
    plan, session = _GRAPHS[plane.shape, target_hw]
    inputs = {w.name: plane[w.first : w.after].reshape(w.shape) for w in plan.windows}
    (blocks,) = session.run(["means"], inputs)
    return blocks[..., : plan.used].reshape(target_hw)


SECTIONS = {f.__name__: f for f in (jpeg, keys, planes)}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--frames", type=int, default=60, help="rounds of each way (60)")
    arguments = parser.parse_args()
    failed = 0
    with edgefeat.FeatureExtractor() as fx:
        for name in arguments.sections or SECTIONS:
            for row in SECTIONS[name](fx, arguments.frames):
                allowed = "" if row.allowed is None else f" <= {row.allowed:g}"
                sys.stdout.write(
                    f"{row.what:62}{row.before_ms:9.2f} {row.after_ms:8.2f} ms  ratio "
                    f"{row.after_ms / row.before_ms:.3f}{allowed} {row.more}\n"
                )
                sys.stdout.flush()
                failed += not row.holds
    return int(failed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
