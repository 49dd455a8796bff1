"""What streaming costs and keeps: overhead, age, idle CPU, memory, how soon a loss is told.

    python tests/bench/bench_stream.py [SECTION ...] [-o table.json] [--seconds 10]

Sections: overhead age cpu lost memory. Each prints measured, allowed, and whether it holds; the
exit code is 1 if any does not. Both sides of a ratio are measured in turns in one process.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

import edgefeat
from edgefeat.sources import ArraySource, CallableSource, Source, open_source
from edgefeat.streaming import Event, EventKind, Limits, Stream
from edgefeat.testing.faults import FaultySource, disconnect, frames, hang, numbered_frame, stall

PHOTOS = Path(__file__).parent.parent / "data" / "photos"
CAMERA = Path(__file__).parent.parent / "support" / "mjpeg_camera.py"
VGA_HW = (480, 640)


@dataclass(frozen=True)
class Row:
    """One line of the table; it holds where measured is at most allowed."""

    section: str
    what: str
    measured: float
    allowed: float
    unit: str
    samples: int

    @property
    def holds(self) -> bool:
        return self.measured <= self.allowed


class Timed:
    """The real extractor, with its time and CPU time per frame, and a delay to make it slow."""

    def __init__(self, extractor: edgefeat.FeatureExtractor, delay_s: float = 0.0) -> None:
        self._extractor, self._delay_s = extractor, delay_s
        self.fingerprint, self.outputs = extractor.fingerprint, extractor.outputs
        self.seconds: list[float] = []
        self.cpu_s = 0.0

    def prepare(self, image: Any) -> Any:
        self._begin, self._cpu = time.monotonic(), time.thread_time()
        return self._extractor.prepare(image)

    def extract_prepared(self, images: Any) -> Any:
        features = self._extractor.extract_prepared(images)
        if self._delay_s:
            time.sleep(self._delay_s)
        self.cpu_s += time.thread_time() - self._cpu
        self.seconds.append(time.monotonic() - self._begin)
        return features


def pictures(count: int) -> list[Any]:
    """Crops of the sample photos at VGA size."""
    photos = [cv2.resize(cv2.imread(str(p)), VGA_HW[::-1]) for p in sorted(PHOTOS.glob("*.jpg"))]
    return [np.roll(photos[n % len(photos)], n, axis=1).copy() for n in range(count)]


def paced(images: Sequence[Any], fps: float) -> Callable[[], Any]:
    """A camera: waits for the next tick and costs no CPU otherwise."""
    taken, due = itertools.count(1), itertools.count(time.monotonic() + 1 / fps, 1 / fps)

    def take() -> Any:
        time.sleep(max(0.0, next(due) - time.monotonic()))
        return images[next(taken) % len(images)]

    return take


def overhead(fx: edgefeat.FeatureExtractor, seconds: float) -> Iterator[Row]:
    """CPU of a stream of pictures in memory against the bare loop over the same pictures.

    Most of what a stream adds are the distances of motion and novelty that each record has.
    """
    images = pictures(60)
    bare: list[float] = []
    streamed: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(bare) < 5:
        begin = time.process_time()
        for image in images:
            fx.extract_prepared(fx.prepare(image)[np.newaxis])
        bare.append((time.process_time() - begin) / len(images))
        begin = time.process_time()
        for _ in Stream(ArraySource(images), fx):
            pass
        streamed.append((time.process_time() - begin) / len(images))
    ratio = statistics.median(streamed) / statistics.median(bare)
    milliseconds = 1000 * statistics.median(bare)
    what = f"CPU of stream / bare loop, {milliseconds:.2f} ms a VGA frame"
    yield Row("overhead", what, ratio, 1.05, "x", len(bare) * len(images))


def age(fx: edgefeat.FeatureExtractor, seconds: float) -> Iterator[Row]:
    """How much older than interval + inference the newest frame is, where inference is slower."""
    fps, delay_s = 100.0, 0.03
    timed = Timed(fx, delay_s)
    source = CallableSource(paced(pictures(10), fps))
    limits = Limits(duration_s=seconds)
    extra_ms: list[float] = []
    ages: list[float] = []
    dropped = 0
    for result in Stream(source, timed, limits=limits):
        extra_ms.append(result.age_ms - 1000 * (timed.seconds[-1] + 1 / fps))
        ages.append(result.age_ms)
        dropped = result.dropped
    what = f"age beyond interval + inference, p99; age p50 {statistics.median(ages):.1f} ms"
    p99 = float(np.percentile(extra_ms, 99))
    yield Row("age", f"{what}, {dropped} dropped", p99, 5.0, "ms", len(ages))


def cpu(fx: edgefeat.FeatureExtractor, seconds: float) -> Iterator[Row]:
    """The process's CPU time against the inferences', where inference waits for the camera."""
    timed = Timed(fx)
    source = CallableSource(paced(pictures(10), 30))
    begin = time.process_time()
    for _ in Stream(source, timed, limits=Limits(duration_s=seconds)):
        pass
    ratio = (time.process_time() - begin) / timed.cpu_s
    each_ms = 1000 * timed.cpu_s / len(timed.seconds)
    what = f"CPU / (frames x inference CPU of {each_ms:.2f} ms), 30 fps"
    yield Row("cpu", what, ratio, 1.2, "x", len(timed.seconds))


def lost(fx: edgefeat.FeatureExtractor, seconds: float) -> Iterator[Row]:
    """From the last frame of a source that dies to the `lost` event, beyond the timeout."""
    timeout_s = 1.0
    limits = Limits(timeout_s=timeout_s, reconnect=0)
    for name, step in (("stalls", stall(30)), ("hangs in a library", hang(2.5))):
        source = FaultySource([frames(30), step], fps=100)
        events: list[Event] = []
        last = _run_to_loss(source, fx, limits, events)
        late_s = next(e.at for e in events if e.kind is EventKind.LOST) - last
        yield Row("lost", f"source {name}: beyond the timeout", late_s - timeout_s, 0.5, "s", 1)
    with camera_process() as (process, port):
        camera = open_source(f"http://127.0.0.1:{port}/live")
        events = []
        last = _run_to_loss(
            camera, fx, limits, events, kill=lambda: process.send_signal(signal.SIGSTOP)
        )
        late_s = next(e.at for e in events if e.kind is EventKind.LOST) - last
        what = "MJPEG camera process stopped: beyond the timeout"
        yield Row("lost", what, late_s - timeout_s, 0.5, "s", 1)


def memory(fx: edgefeat.FeatureExtractor, seconds: float) -> Iterator[Row]:
    """Growth of resident memory after warm-up over 20,000 frames and 200 lost connections."""
    source = FaultySource([frames(100), disconnect()] * 200, fps=1000)
    limits = Limits(timeout_s=5, backoff_s=0.001, backoff_max_s=0.001)
    sizes: list[float] = []
    stream = Stream(source, fx, limits=limits)
    for result in stream:
        if result.index >= 2000 and len(sizes) <= (result.index - 2000) // 200:
            sizes.append(_resident_mb())
    health = stream.health()
    what = (
        f"growth over {health.captured} frames, {health.emitted} inferred, {health.losses} losses"
    )
    yield Row("memory", what, max(sizes) - sizes[0], 2.0, "MB", len(sizes))


def _run_to_loss(
    source: Source,
    fx: edgefeat.FeatureExtractor,
    limits: Limits,
    events: list[Event],
    kill: Callable[[], None] | None = None,
) -> float:
    """Read until the source is lost; return when its last frame came."""
    last = 0.0
    stream = Stream(source, fx, limits=limits, on_event=events.append)
    try:
        for result in stream:
            last = result.captured_at
            if kill and result.index == 20:
                kill()
    except edgefeat.SourceError:
        pass
    return last


@contextmanager
def camera_process() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The tests' MJPEG camera."""
    process = subprocess.Popen(
        [sys.executable, str(CAMERA), "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process, int(process.stdout.readline())  # type: ignore[union-attr]
    finally:
        process.kill()
        process.wait()


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def _machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((x.partition(": ")[2] for x in lines if x.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "edgefeat": edgefeat.__version__,
        "threads": 1,
    }


SECTIONS = {f.__name__: f for f in (overhead, age, cpu, lost, memory)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--seconds", type=float, default=10, help="per timed section (10)")
    parser.add_argument("-o", "--output", type=Path, help="JSON file")
    arguments = parser.parse_args()
    rows: list[Row] = []
    with edgefeat.FeatureExtractor() as fx:
        for image in [numbered_frame(0)] * 50:  # warm-up
            fx.extract(image)
        for name in arguments.sections or SECTIONS:
            for row in SECTIONS[name](fx, arguments.seconds):
                rows.append(row)
                verdict = "holds" if row.holds else "DOES NOT HOLD"
                sys.stdout.write(
                    f"{row.section:9}{row.what:75}{row.measured:8.3f} <= {row.allowed:g} "
                    f"{row.unit}  n={row.samples}  {verdict}\n"
                )
                sys.stdout.flush()
        machine = _machine() | {"model": fx.spec.name, "fingerprint": fx.fingerprint}
    if arguments.output:
        table = {"machine": machine, "rows": [asdict(r) | {"holds": r.holds} for r in rows]}
        arguments.output.write_text(json.dumps(table, indent=1) + "\n")
    return 0 if all(row.holds for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
