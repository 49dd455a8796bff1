"""Process start to the first feature of a 640x480 JPEG: time and peak memory.

    python tests/bench/bench_coldstart.py [-n 9] [--against COMMIT] [-o FILE]

Every start is a fresh process; the programs take turns, and CPU time stands beside wall
time because it is steadier on a busy machine. Ratios are medians over the turns of each
start against the base's in the same turn. The floor does the same with nothing but
numpy, cv2 and onnxruntime, from the model this machine's ONNX Runtime optimised in advance.
Bytecode is compiled beforehand, as pip does on install. With `--against` another commit's edgefeat
takes turns with this one, and the ratios to it stand below the table.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
from compare_builds import checkout

Sample = tuple[float, float, float]
Samples = dict[str, list[Sample]]
ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
RAW = """
import cv2, numpy as np, onnxruntime as ort
cv2.setNumThreads(1)
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.log_severity_level = 4
{options}
session = ort.InferenceSession({model!r}, options, providers=["CPUExecutionProvider"])
image = cv2.resize(cv2.imread({photo!r}), (224, 224), interpolation=cv2.INTER_AREA)
image = np.ascontiguousarray(image[None, :, :, ::-1])
session.run(["features"], {{"image": image}})
"""
OPTIMISED = "options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL"
OURS = "import edgefeat\nedgefeat.FeatureExtractor({model!r}).extract({photo!r})\n"
PEAK = """
import re
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=9, help="starts of each program")
    parser.add_argument("--against", metavar="COMMIT", help="another commit to start in turns")
    parser.add_argument("-o", type=Path, help="write JSON here")
    arguments = parser.parse_args()
    import edgefeat

    here = Path(edgefeat.__file__).parent
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        programs = {name: (code, here.parent) for name, code in _programs(Path(folder)).items()}
        if arguments.against:
            other = stack.enter_context(checkout(arguments.against))
            ours = {name: code for name, (code, _) in programs.items() if "edgefeat" in name}
            programs |= {f"other {name}": (code, other) for name, code in ours.items()}
        for place in {place for _, place in programs.values()}:
            compileall.compile_dir(str(place / "edgefeat"), quiet=2)
        samples = _in_turns(programs, arguments.n, Path(folder))
    rows = _rows(samples)
    for row in rows:
        print("  ".join(f"{value!s:>20}" for value in row.values()))  # noqa: T201
    for name in samples:
        if (other_name := f"other {name}") in samples:
            wall, cpu, peak = _ratios(samples[name], samples[other_name])
            said = f"{name} x {arguments.against}: wall {wall}, cpu {cpu}, peak memory {peak}"
            print(said)  # noqa: T201
    if arguments.o:
        arguments.o.write_text(json.dumps(rows, indent=1))
    return 0


def _in_turns(programs: dict[str, tuple[str, Path]], turns: int, folder: Path) -> Samples:
    """Start every program once a turn, each turn in another order."""
    samples: Samples = {name: [] for name in programs}
    names = list(programs)
    for turn in range(turns + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            code, place = programs[name]
            sample = _start(code, place, folder)
            if turn:  # the first fills disk caches and the model cache
                samples[name].append(sample)
    return samples


def _programs(folder: Path) -> dict[str, str]:
    photo = folder / "vga.jpg"
    picture = cv2.imread(str(ROOT / "tests/data/photos/rocket.jpg"))
    cv2.imwrite(str(photo), cv2.resize(picture, (640, 480)), [cv2.IMWRITE_JPEG_QUALITY, 90])
    int8, fp32 = (str(MODELS / f"efficientnet_lite0_224_{kind}.onnx") for kind in ("int8", "fp32"))
    kept = folder / "optimised.onnx"
    save = f"options.optimized_model_filepath = {str(kept)!r}"
    _start(RAW.format(options=save, model=int8, photo=str(photo)), ROOT, folder)
    return {
        "python": "",
        "import edgefeat": "import edgefeat",
        "floor int8": RAW.format(options=OPTIMISED, model=str(kept), photo=str(photo)),
        "edgefeat int8": OURS.format(model=int8, photo=str(photo)),
        "naive fp32": RAW.format(options="", model=fp32, photo=str(photo)),
        "edgefeat fp32": OURS.format(model=fp32, photo=str(photo)),
    }


def _start(code: str, place: Path, folder: Path) -> Sample:
    """Start a program whose edgefeat is in a place; return wall and CPU seconds, and peak MB."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(place)
    environment["EDGEFEAT_CACHE"] = str(folder / "cache")
    command = [sys.executable, "-P", "-c", code + PEAK]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, timeout=60)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, int(done.stdout) / 1024


def _ratios(samples: list[Sample], base: list[Sample]) -> list[float]:
    """Return the medians over the turns of wall, CPU and memory divided by the base's."""
    pairs = list(zip(samples, base, strict=True))
    return [round(statistics.median(a[k] / b[k] for a, b in pairs), 3) for k in range(3)]


def _rows(samples: Samples) -> list[dict[str, Any]]:
    median = {
        name: [statistics.median(column) for column in zip(*starts, strict=True)]
        for name, starts in samples.items()
    }
    rows: list[dict[str, Any]] = [
        {"program": "program", "wall": "ms", "cpu": "cpu ms", "MB": "peak MB"}
        | {"by_wall": "x base ms", "by_cpu": "x base cpu", "by_MB": "x base MB"}
    ]
    for name, (wall, cpu, peak) in median.items():
        base = samples["naive fp32" if "fp32" in name else "floor int8"]
        by_wall, by_cpu, by_peak = _ratios(samples[name], base)
        rows.append(
            {
                "program": name,
                "wall": round(wall * 1e3, 1),
                "cpu": round(cpu * 1e3, 1),
                "MB": round(peak, 1),
                "by_wall": by_wall,
                "by_cpu": by_cpu,
                "by_MB": by_peak,
            }
        )
    return rows


if __name__ == "__main__":
    sys.exit(main())
