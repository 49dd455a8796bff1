"""edgefeat beside other runtimes, taking turns on the same weights and pixels: `make bench-peers`.

    python tests/bench/peers/compare_peers.py [--threads 1,2] [--duration 2] [-o FILE]

For each thread count, one process holds every runtime; blocks of 16 calls in alternating order give
the ratio to edgefeat's int8 and its interval. The cosine to Keras, on pictures that calibrated
nothing if there are any, stands beside every speed. A runtime that fails is named with its reason.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PACKAGES = ("onnxruntime", "tensorflow", "keras", "tf2onnx", "ai-edge-litert", "openvino", "ncnn")


class PeerPipeline:
    """One runtime's call, timed as one stage."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def __call__(self, picture: Any) -> tuple[int, int, int, int]:
        started = time.perf_counter_ns()
        self._run(picture)
        return started, started, started, time.perf_counter_ns()


def measure(folder: Path, threads: int, duration_s: float) -> dict[str, Any]:
    """Return the rows of one thread count."""
    import numpy as np

    sys.path.insert(0, str(HERE))
    from runtimes import runtimes

    from edgefeat.bench.conditions import Watch
    from edgefeat.bench.loads.single_stream import run_single_stream
    from edgefeat.bench.pictures import Pictures
    from edgefeat.bench.series import BLOCK
    from edgefeat.bench.statistics.bootstrap import ratio_of_quantiles
    from edgefeat.bench.statistics.summary import single_stream

    stored = np.load(folder / "pictures.npz")
    pictures = [image[np.newaxis] for image in stored["held_out"]]
    rows, opened, failed = [], [], {}
    for runtime, precision, open_it in runtimes(folder, threads):
        try:
            run = open_it()
            features = np.stack([np.array(run(image)).reshape(-1) for image in pictures])
            cosines = _cosines(features, stored["expected"])
        except Exception as error:  # noqa: BLE001 - any runtime may fail in any way
            failed[f"{runtime} {precision}"] = f"{type(error).__name__}: {str(error)[:200]}"
            continue
        rows.append({"runtime": runtime, "precision": precision, "threads": threads})
        rows[-1] |= {"cosine_mean": float(cosines.mean()), "cosine_min": float(cosines.min())}
        opened.append(PeerPipeline(run))
    watch = Watch()
    series = run_single_stream(
        opened,
        Pictures(source="held-out pictures", items=tuple(pictures)),
        duration_s=duration_s,
        min_calls=10 * BLOCK,
    )
    blocks = [one.total_ms.reshape(-1, BLOCK)[1:] for one in series]
    for row, block in zip(rows, blocks, strict=True):
        ratio, low, high = ratio_of_quantiles(block, blocks[0], 0.5, paired=True)
        row |= {"p50_ms": float(np.median(block)), "p90_ms": float(np.quantile(block, 0.9))}
        row |= {"ratio": ratio, "low": low, "high": high, "calls": block.size}
    runs = [replace(single_stream([one]), steady=True) for one in series]
    conditions = watch.verdict(runs[:1], one_thread=threads == 1)
    return {
        "rows": rows,
        "failed": failed,
        "invalid": list(conditions.invalid),
        "pictures": str(stored["named"]),
    }


def table(found: dict[str, Any]) -> str:
    """Return the result as a Markdown table, fastest first, and the conditions below it."""
    counts = list(dict.fromkeys(row["threads"] for row in found["rows"]))
    by_runtime: dict[tuple[str, str], dict[int, Any]] = {}
    for row in sorted(found["rows"], key=lambda row: (row["threads"], row["ratio"])):
        by_runtime.setdefault((row["runtime"], row["precision"]), {})[row["threads"]] = row
    columns = ["runtime", "precision"]
    for count in counts:
        columns += [f"{count} thread{'s' if count > 1 else ''}, ms", "ratio"]
    columns.append("cosine to Keras, mean / min")
    lines = [f"| {' | '.join(columns)} |", f"|---|---|{'---:|---|' * len(counts)}---|"]
    for (runtime, precision), rows in by_runtime.items():
        cells = [runtime, precision]
        for count in counts:
            cells += _timed(rows.get(count))
        one = next(iter(rows.values()))
        cells.append(f"{one['cosine_mean']:.4f} / {one['cosine_min']:.4f}")
        lines.append(f"| {' | '.join(cells)} |")
    machine = found["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines += [
        "",
        "Median of one picture's inference, and its ratio to edgefeat's int8 with as many threads "
        "(95 % interval), all taking turns in one process. "
        f"Cosine on {found['pictures']}. {machine['cpu']}, {machine['cores']} cores; {versions}; "
        f"{found['created'][:10]}.",
    ]
    lines += [f"Not measured: {name}: {why}." for name, why in found["failed"].items()]
    lines += [f"Conditions: {reason}." for reason in found["invalid"]]
    return "\n".join(lines) + "\n"


def _timed(row: dict[str, Any] | None) -> list[str]:
    """Return the cells of one thread count."""
    if row is None:
        return ["", ""]
    same = row["low"] == row["high"] == 1
    interval = "" if same else f" ({row['low']:.2f} to {row['high']:.2f})"
    return [f"{row['p50_ms']:.2f}", f"{row['ratio']:.2f}{interval}"]


def main() -> None:
    """Build the peers if need be, measure, and show the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--duration", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, help="built peers, kept for the next time")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        folder, threads = arguments.one
        result = measure(Path(folder), int(threads), arguments.duration)
        (Path(folder) / f"measured_{threads}.json").write_text(json.dumps(result))
        return
    with tempfile.TemporaryDirectory() as built:
        found = _measured(arguments.folder or Path(built), arguments)
    sys.stdout.write(table(found))
    if arguments.output:
        arguments.output.write_text(json.dumps(found, indent=1) + "\n")


def _measured(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Build what is not built yet; return the rows of all thread counts."""
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if not (folder / "failed.json").is_file():
        command = [sys.executable, str(HERE / "build_peers.py"), str(folder)]
        subprocess.run(command, check=True, env=quiet)
    found = _header()
    for threads in arguments.threads.split(","):
        command = [sys.executable, __file__, "--one", str(folder), threads]
        command += ["--duration", str(arguments.duration)]
        subprocess.run(command, check=True, env=quiet)
        one = json.loads((folder / f"measured_{threads}.json").read_text())
        found["rows"] += one["rows"]
        found["failed"] |= one["failed"]
        found["pictures"] = one["pictures"]
        found["invalid"] += [f"{threads} threads: {reason}" for reason in one["invalid"]]
    return found


def _header() -> dict[str, Any]:
    from dataclasses import asdict
    from datetime import UTC, datetime
    from importlib import metadata

    from edgefeat.bench.conditions import describe_machine

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": asdict(describe_machine()),
        "versions": versions,
        "rows": [],
        "failed": {},
        "invalid": [],
    }


def _cosines(a: Any, b: Any) -> Any:
    import numpy as np

    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


if __name__ == "__main__":
    main()
