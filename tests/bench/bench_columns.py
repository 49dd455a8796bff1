"""Networks for columns: size, nearness to Keras, time of a row; the same on another engine.

    python tests/bench/bench_columns.py [--laps N] [--only NAME,...] [--onnxruntime 1.20.1]

Times are medians of laps that take turns, in this process: `extract` of one row with edgefeat, the
row checked; Keras's `predict`; and a traced tf.function. `--onnxruntime` installs that version into
a temporary environment, runs the rows there, and tells the largest difference.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import numpy as np
import onnx
import tensorflow as tf

from column_networks import MORE_NETWORKS, NETWORKS, saved
from edgefeat import FeatureExtractor
from edgefeat.errors import UnseenWarning
from edgefeat.model.hashed_inputs import hashed_inputs
from edgefeat.model.spec import ModelSpec
from edgefeat_export import build
from edgefeat_export.columns import cut, opening
from edgefeat_export.columns.flat import columns_of
from edgefeat_export.cut.headless import Headless, taps_at

OTHER = """
import json, sys
import numpy as np, onnxruntime
given = json.load(open(sys.argv[1]))
for name, (path, feed) in given.items():
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {one: np.array(values, object if kind == "str" else kind)
            for one, (kind, values) in feed.items()}
    print(json.dumps([name, session.run(["features"], feed)[0].tolist()]))
"""


def arrays(body: Headless, rows: list[dict[str, Any]]) -> list[np.ndarray]:
    found = []
    for column in columns_of(body.model):
        values = [row[column.name] for row in rows]
        text = column.dtype == "string"
        dtype = object if text else column.dtype if "float" in column.dtype else np.int64
        found.append(np.array(values, dtype).reshape(len(rows), column.size))
    return found


def tensors(body: Headless, given: list[np.ndarray]) -> Any:
    found = []
    for column, array in zip(columns_of(body.model), given, strict=True):
        shaped = array.reshape(-1, *column.shape)
        text = column.dtype == "string"
        found.append(tf.constant(shaped.astype(str) if text else shaped.astype(column.dtype)))
    return found if len(found) > 1 else found[0]


def times(body: Headless, path: Path, row: dict[str, Any], laps: int) -> list[float]:
    """Return the median seconds of a row with edgefeat, with predict and with a function."""
    one = tensors(body, arrays(body, [row]))
    traced = tf.function(lambda given: body.model(given, training=False))
    with FeatureExtractor(path) as extractor:
        ways = [
            lambda: extractor.extract(row),
            lambda: body.model.predict(one, verbose=0),
            lambda: traced(one),
        ]
        for way in ways * 3:
            way()
        taken = np.array([[lap(way) for way in ways] for _ in range(laps)])
    return [float(median) for median in np.median(taken, axis=0)]


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def lap(way: Any) -> float:
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def _hashes(spec: ModelSpec, body: Headless, given: list[np.ndarray]) -> dict[str, Any]:
    """Return the inputs that take hashes of columns, with their type."""
    arrays = {one.name: array for one, array in zip(columns_of(body.model), given, strict=True)}
    found = [hashed_inputs(column.hashes, arrays[column.name]) for column in spec.columns]
    return {name: ("int64", array.tolist()) for one in found for name, array in one.items()}


def usable(row: dict[str, Any]) -> bool:
    return all(value is not None for value in row.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laps", type=int, default=30)
    parser.add_argument("--only", default="")
    parser.add_argument("--onnxruntime")
    arguments = parser.parse_args()
    names = [*NETWORKS, *MORE_NETWORKS]
    if arguments.only:
        names = arguments.only.split(",")
    warnings.simplefilter("ignore", UnseenWarning)  # rows made by rule have unknown words
    with tempfile.TemporaryDirectory() as made:
        folder, feeds, ours = Path(made), {}, {}
        for name in names:
            path = saved(name, folder)
            (file,) = build(path, folder / "out").files
            body, _ = cut.cut(opening.open_table(Path(path), name=name).model, taps_at([]))
            assert file.spec.probe is not None
            rows = [dict(row) for row in file.spec.probe.rows or () if usable(dict(row))]
            own, predict, traced = times(body, file.path, rows[0], arguments.laps)
            near = file.parities["features"].relative_l2_max
            nodes = len(onnx.load(file.path).graph.node)
            say(
                f"{name:14s} {file.size_bytes:6d} B {nodes:4d} nodes, relative L2 {near:.1e};"
                f" a row {own * 1e6:6.0f} us, predict {predict / own:5.0f} times,"
                f" tf.function {traced / own:4.1f} times as long"
            )
            given = arrays(body, rows)
            with FeatureExtractor(file.path) as extractor:
                ours[name] = extractor.extract_batch(rows)
            kinds = ["str" if array.dtype == object else str(array.dtype) for array in given]
            feed = zip(columns_of(body.model), kinds, given, strict=True)
            values = {column.name: (kind, array.tolist()) for column, kind, array in feed}
            feeds[name] = str(file.path), values | _hashes(file.spec, body, given)
        if arguments.onnxruntime:
            _elsewhere(arguments.onnxruntime, folder, feeds, ours)


def _elsewhere(version: str, folder: Path, feeds: Any, ours: Any) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    python = folder / "env" / "bin" / "python"
    install = [str(python), "-m", "pip", "-q", "install", f"onnxruntime=={version}"]
    subprocess.run(install, check=True)
    (folder / "feeds.json").write_text(json.dumps(feeds))
    done = subprocess.run(
        [python, "-c", OTHER, folder / "feeds.json"], check=True, capture_output=True, text=True
    )
    worst = 0.0
    for line in done.stdout.splitlines():
        name, values = json.loads(line)
        wanted = ours[name].astype(np.float64)
        off = np.linalg.norm(np.array(values) - wanted, axis=1)
        worst = max(worst, float((off / np.maximum(np.linalg.norm(wanted, axis=1), 1e-12)).max()))
    say(f"onnxruntime {version}: {len(ours)} files, largest relative L2 between both {worst:.1e}")


if __name__ == "__main__":
    main()
