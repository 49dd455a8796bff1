"""Corpus extraction: throughput of two workers, what bounds it, and memory over corpus size.

    python tests/bench/bench_corpus.py [-o FILE.json] [--rounds 7] [--pictures 200]

Photos are the committed samples, re-encoded at 640x480 (4:2:0, quality 90); files are links to
them, so that any number costs no disk. All of one round runs interleaved: a plain decode-then-run
loop in one thread, then `extract_pictures` with 1 and 2 workers. Two figures come of it:

- `speed-up`: the loop's wall time over that of two workers (median of rounds);
- `of bound`: both cores do nothing but decode and run, if wall time is half the CPU seconds of
  decode and run. The figure is that bound over the wall time, in the same run. It says something
  only on an otherwise idle machine. Two figures do on a busy one too: the share of the time that
  both workers spend inside decode and run (not waiting for each other, for work or for the
  interpreter lock), and the share of all CPU that decode and run take.

OpenCV is kept from starting helper threads here: the loop is then really single-threaded, and a
thread's CPU clock sees all of its decoding.

Memory is the peak of a fresh `edgefeat extract DIR -o OUT/` process at 1,000 and 10,000 pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

import edgefeat
from edgefeat.corpus.at_hand import AtHand
from edgefeat.corpus.extracting import extract_pictures
from edgefeat.options.many import ManyOptions
from edgefeat.sets.info import SetInfo
from edgefeat.sets.shards import ShardSink

PHOTOS = Path(__file__).parent.parent / "data" / "photos"
PEAK = (
    "import resource, sys\n"
    "from edgefeat.cli.main import main\n"
    "code = main(sys.argv[1:])\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    "sys.exit(code)"
)


def make_corpus(folder: Path, count: int) -> list[str]:
    """Fill a folder with links to a few VGA photos; return their paths."""
    originals = []
    for path in sorted(PHOTOS.glob("*.jpg")):
        vga = cv2.resize(cv2.imread(str(path)), (640, 480), interpolation=cv2.INTER_AREA)
        original = folder.with_name(f"vga-{path.name}")
        cv2.imwrite(str(original), vga, [cv2.IMWRITE_JPEG_QUALITY, 90])
        originals.append(original)
    folder.mkdir()
    paths = [folder / f"{number:06}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.symlink_to(originals[number % len(originals)])
    return [str(path) for path in paths]


class Timed:
    """An extractor that notes the seconds of each decoding and running, over threads."""

    def __init__(self, extractor: edgefeat.FeatureExtractor) -> None:
        self._extractor = extractor
        self.fingerprint = extractor.fingerprint
        self.parts_s: list[tuple[float, float]] = []  # CPU and wall

    def prepare(self, image: Any, **options: Any) -> Any:
        """Decode and resize."""
        return self._timed(lambda: self._extractor.prepare(image, **options))

    def extract_prepared(self, images: Any) -> Any:
        """Run the model."""
        return self._timed(lambda: self._extractor.extract_prepared(images))

    def _timed(self, work: Callable[[], Any]) -> Any:
        cpu, wall = time.thread_time(), time.perf_counter()
        result = work()
        self.parts_s.append((time.thread_time() - cpu, time.perf_counter() - wall))
        return result


def one_round(
    paths: Sequence[str], extractor: edgefeat.FeatureExtractor, folder: Path
) -> dict[str, float]:
    """Return wall seconds of the loop and of one and two workers, and the CPU of the two."""
    started = time.perf_counter()
    for path in paths:
        extractor.extract_prepared(extractor.prepare(path)[np.newaxis])
    result = {"loop_s": time.perf_counter() - started}
    for workers in (1, 2):
        timed = Timed(extractor)
        sink = ShardSink(folder / f"{workers}-{time.monotonic_ns()}", SetInfo.of(extractor))
        cpu, started = time.process_time(), time.perf_counter()
        many = ManyOptions(workers=workers, batch=1)
        extract_pictures(paths, AtHand.of(paths), timed, sink, many=many)  # type: ignore[arg-type]
        sink.commit()
        result[f"workers{workers}_s"] = time.perf_counter() - started
        result[f"process{workers}_cpu_s"] = time.process_time() - cpu
        result[f"work{workers}_cpu_s"] = sum(cpu for cpu, _ in timed.parts_s)
        result[f"work{workers}_wall_s"] = sum(wall for _, wall in timed.parts_s)
        sink.close()
    return result


def peak_mib(count: int, folder: Path) -> float:
    """Return the peak memory of the command over a corpus of that many pictures."""
    make_corpus(folder / f"corpus-{count}", count)
    arguments = [f"{folder}/corpus-{count}", "-o", f"{folder}/set-{count}", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "extract", *arguments],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout.split()[-1]) / 1024


def measure(rounds: int, pictures: int, sizes: Sequence[int]) -> dict[str, Any]:
    """Run everything; return the figures."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name, edgefeat.FeatureExtractor() as extractor:
        folder = Path(name)
        paths = make_corpus(folder / "corpus", pictures)
        one_round(paths[:20], extractor, folder)
        runs = [one_round(paths, extractor, folder) for _ in range(rounds)]
        memory = {str(size): round(peak_mib(size, folder), 1) for size in sizes}
        fingerprint = extractor.fingerprint
    median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {
        "speed_up": statistics.median(run["loop_s"] / run["workers2_s"] for run in runs),
        "of_bound": statistics.median(run["work2_cpu_s"] / 2 / run["workers2_s"] for run in runs),
        "workers_busy": statistics.median(
            run["work2_wall_s"] / 2 / run["workers2_s"] for run in runs
        ),
        "work_share_of_cpu": statistics.median(
            run["work2_cpu_s"] / run["process2_cpu_s"] for run in runs
        ),
        "per_second": {
            "loop": pictures / median["loop_s"],
            "1 worker": pictures / median["workers1_s"],
            "2 workers": pictures / median["workers2_s"],
        },
        "peak_mib": memory,
        "rounds": runs,
        "pictures": pictures,
        "fingerprint": fingerprint,
        "machine": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "load_1min": os.getloadavg()[0],
        "versions": {
            "python": platform.python_version(),
            "onnxruntime": onnxruntime.__version__,
            "opencv": cv2.__version__,
            "edgefeat": edgefeat.__version__,
        },
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="also write JSON")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--memory", type=int, nargs="*", default=[1000, 10000], metavar="N")
    arguments = parser.parse_args()
    found = measure(arguments.rounds, arguments.pictures, arguments.memory)
    rows = [(f"{name}, pictures/s", f"{rate:.1f}") for name, rate in found["per_second"].items()]
    rows += [
        ("2 workers / loop", f"{found['speed_up']:.2f}x"),
        ("of the bound of two cores", f"{found['of_bound']:.1%}"),
        ("two workers busy, of the time", f"{found['workers_busy']:.1%}"),
        ("decode + run, of all CPU", f"{found['work_share_of_cpu']:.1%}"),
        *((f"peak MiB at {size}", f"{mib:.1f}") for size, mib in found["peak_mib"].items()),
        ("load before, 1 min", f"{found['load_1min']:.1f} on {found['cores']} cores"),
    ]
    sys.stdout.write("".join(f"{label:<30} {value}\n" for label, value in rows))
    if arguments.output:
        arguments.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
