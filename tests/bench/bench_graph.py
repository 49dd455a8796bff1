"""What the graph passes are worth: nodes, fidelity and latency per backbone, against tf2onnx's own.

    python tests/bench/bench_graph.py [NAME ...] [--default family|all|none] [-o table.json]

Every backbone gets random weights that keep its features alive, and a process of its own, so that
peak memory is its own too. The graphs run in turns in one process, one thread, batch 1; the medians
stand. `before` is tf2onnx's translation before our passes, `default` what its own optimisers make
of it (`tf2onnx.convert.from_keras`); both are given normalised floats.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
PHOTOS = Path(__file__).parent.parent / "data" / "photos"
COLUMNS = (
    ("name", 20, ""), ("dim", 6, ""), ("nodes_before", 13, ""), ("nodes_default", 14, ""),
    ("nodes", 6, ""), ("relative_l2", 12, ".1e"), ("relative_l2_default", 20, ".1e"),
    ("export_s", 9, ".1f"), ("default_s", 10, ".1f"), ("ms_before", 10, ".2f"),
    ("ms_default", 11, ".2f"), ("ms", 8, ".2f"), ("peak_mb", 8, ".0f"),
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    args = _arguments(argv)
    if args.one:
        json.dump(measure(args.one, with_default=args.default == "all"), sys.stdout)
        return 0
    from edgefeat_export.networks.catalogue import BACKBONES

    names = args.names or list(BACKBONES)
    families: set[str] = set()
    rows = []
    _say("".join(f"{name:>{width}}" for name, width, _ in COLUMNS))
    for name in names:
        first = BACKBONES[name].family not in families
        families.add(BACKBONES[name].family)
        compare = args.default == "all" or (args.default == "family" and first)
        rows.append(_in_own_process(name, compare))
        _say(_line(rows[-1]))
        if args.output:
            args.output.write_text(json.dumps({"machine": _machine(), "rows": rows}, indent=1))
    return int(any("error" in row for row in rows))


def measure(name: str, *, with_default: bool) -> dict[str, Any]:
    """One row of the table."""
    import numpy as np

    from edgefeat_export.graph.audit import audit, require_clean
    from edgefeat_export.graph.convert import to_onnx
    from edgefeat_export.graph.pipeline import clean
    from edgefeat_export.graph.uint8_input import with_uint8_input
    from edgefeat_export.networks.catalogue import BACKBONES
    from random_network import random_network

    backbone = BACKBONES[name]
    model, normalisation = random_network(backbone, backbone.size_hw)
    start = time.perf_counter()
    raw = to_onnx(model, ["features"])
    ours = with_uint8_input(clean(raw), normalisation)
    export_s = time.perf_counter() - start
    require_clean(ours)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pixels = _photos(backbone.size_hw)
    floats = normalisation.apply(pixels)
    expected = np.asarray(model(floats, training=False))
    report, nodes_before = audit(ours), len(raw.graph.node)
    row: dict[str, Any] = {"name": name, "dim": expected.shape[1], "family": backbone.family}
    row |= {"nodes_before": nodes_before, "nodes": report.nodes, "ops": report.ops}
    row |= {"export_s": export_s, "peak_mb": peak_mb, "size_hw": backbone.size_hw}
    before = _session(raw)
    runs = {"": (_session(ours), {"image": pixels})}
    runs |= {"_before": (before, {before.get_inputs()[0].name: floats})}
    if with_default:
        start = time.perf_counter()
        default = _tf2onnx_default(model)
        row |= {"default_s": time.perf_counter() - start}
        row |= {"nodes_default": len(default.graph.node)}
        row |= {"default_transposes": audit(default).transposes}
        session = _session(default)
        runs["_default"] = (session, {session.get_inputs()[0].name: floats})
    for suffix, (session, feeds) in runs.items():
        got = session.run(None, feeds)[0]
        row[f"relative_l2{suffix}"] = float(
            np.max(np.linalg.norm(got - expected, axis=1) / np.linalg.norm(expected, axis=1))
        )
    return row | _latency(runs)


def _latency(runs: dict[str, Any]) -> dict[str, float]:
    import numpy as np

    times: dict[str, list[float]] = {suffix: [] for suffix in runs}
    one = {s: (run, {k: v[:1] for k, v in feeds.items()}) for s, (run, feeds) in runs.items()}
    begin = time.perf_counter()
    while len(times[""]) < 60 and (time.perf_counter() - begin < 8 or len(times[""]) < 8):
        for suffix, (session, feeds) in one.items():
            start = time.perf_counter()
            session.run(None, feeds)
            times[suffix].append((time.perf_counter() - start) * 1e3)
    medians = {f"ms{suffix}": float(np.median(values[2:])) for suffix, values in times.items()}
    return medians | {f"ms_min{suffix}": min(values) for suffix, values in times.items()}


def _tf2onnx_default(model: Any) -> Any:
    import tensorflow as tf
    from tf2onnx import convert

    spec = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32, name="image")]
    return convert.from_keras(model, input_signature=spec)[0]


def _session(model: Any) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    data = model.SerializeToString()
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


def _photos(size_hw: tuple[int, int]) -> Any:
    import cv2
    import numpy as np

    frames = [cv2.imread(str(path)) for path in sorted(PHOTOS.glob("*.jpg"))]
    small = [cv2.resize(f, size_hw[::-1], interpolation=cv2.INTER_AREA) for f in frames]
    return np.ascontiguousarray(np.stack(small)[..., ::-1])


def _in_own_process(name: str, compare: bool) -> dict[str, Any]:
    last: dict[str, Any] = {}
    for default in ["all", "none"] if compare else ["none"]:
        command = [sys.executable, __file__, "--one", name, "--default", default]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            row: dict[str, Any] = json.loads(done.stdout)
            return row | last
        lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        last = {"default_error" if default == "all" else "error": lines[-1][:300]}
    return {"name": name} | last


def _line(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['name']:>24}  {row['error']}"
    return "".join(
        f"{'-' if row.get(key) is None else format(row[key], spec):>{width}}"
        for key, width, spec in COLUMNS
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _machine() -> dict[str, Any]:
    packages = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "numpy")
    versions = {package: importlib.metadata.version(package) for package in packages}
    return {"platform": platform.platform(), "cpus": os.cpu_count(), "threads": 1, **versions}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="backbones; default: all")
    parser.add_argument("--default", choices=["family", "all", "none"], default="family",
                        help="whom to compare with tf2onnx's own output")  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, help="write the table as JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
