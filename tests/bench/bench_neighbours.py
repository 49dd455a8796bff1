"""What float32 would save where a head compares a photo with many rows, and what it would cost.

    python tests/bench/bench_neighbours.py

Behind the shipped int8 model stands one product with 160 or 2,000 rows of features: in float64, as
`attach` writes it; in float32; and in float32 with the best 16 computed once more in float64. The
times are taken as in `bench_fused.py`. Then the labels of one and of five nearest neighbours by
float32 are compared with those by float64, on kinds of columns that people have: counted from the
rows' mean, so that what all share takes no digits.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from bench_fused import measure
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgefeat.model.shipped import default_model

Floats = NDArray[np.float64]
NEAREST, AGAIN, ASKED = 5, 16, 1000


class Behind:
    """The shipped model with nodes behind its features."""

    def __init__(self) -> None:
        self._model = onnx.load(default_model())

    def node(self, operation: str, inputs: list[Any], outputs: list[str], **attributes: Any) -> str:
        """Add a node, with arrays as constants; return the name of its last output."""
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        made = helper.make_node(operation, names, outputs, name=outputs[0], **attributes)
        self._model.graph.node.append(made)
        return outputs[-1]

    def write(self, output: str, place: Path) -> str:
        """Write the model with an output of int64 `(N, NEAREST)`; return where."""
        value = helper.make_tensor_value_info(output, TensorProto.INT64, ["batch", NEAREST])
        self._model.graph.output.append(value)
        onnx.save(self._model, place)
        return str(place)

    def constant(self, array: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        name = f"constant_{len(self._model.graph.initializer)}"
        self._model.graph.initializer.append(numpy_helper.from_array(array, name))
        return name


def in_float64(points: Floats, place: Path) -> str:
    """Write the model with one product in float64, the wide matrix on the left."""
    made, squares = Behind(), np.square(points).sum(axis=1)
    rows = made.node("Cast", ["features"], ["rows"], to=TensorProto.DOUBLE)
    product = made.node("Gemm", [2 * points, rows, -squares[:, np.newaxis]], ["turned"], transB=1)
    near = made.node("Transpose", [product], ["near"], perm=[1, 0])
    return made.write(made.node("TopK", [near, np.array([NEAREST])], ["best", "which"]), place)


def in_float32(points: Floats, place: Path, *, again: bool) -> str:
    """Write the model with one product in float32, and perhaps the best of it in float64."""
    made, squares = Behind(), np.square(points).sum(axis=1) / 2
    narrow = made.constant(points.astype(np.float32))
    product = ["features", narrow, -squares.astype(np.float32)]
    near = made.node("Gemm", product, ["near"], transB=1)
    count = np.array([AGAIN if again else NEAREST])
    which = made.node("TopK", [near, count], ["best", "which"])
    if again:
        there = made.node("Gather", [narrow, which], ["there"])
        exact = made.node("Cast", [there], ["exact"], to=TensorProto.DOUBLE)
        rows = made.node("Cast", ["features"], ["rows"], to=TensorProto.DOUBLE)
        upright = made.node("Unsqueeze", [rows, np.array([2])], ["upright"])
        products = made.node("MatMul", [exact, upright], ["products"])
        flat = made.node("Squeeze", [products, np.array([2])], ["flat"])
        own = made.node("Gather", [squares, which], ["own"])
        nearness = made.node("Sub", [flat, own], ["nearness"])
        found = made.node("TopK", [nearness, np.array([NEAREST])], ["last", "found"])
        which = made.node("GatherElements", [which, found], ["chosen"], axis=1)
    return made.write(which, place)


def times(folder: Path) -> list[str]:
    """Return a line for each way and number of rows."""
    draw, places = np.random.default_rng(0), {"the model": default_model()}
    for count in (160, 2000):
        points = draw.random((count, 1280))
        places[f"{count} rows, float64"] = in_float64(points, folder / f"{count}_64.onnx")
        for again, name in ((False, "float32"), (True, f"float32, {AGAIN} again")):
            place = folder / f"{count}_{again}.onnx"
            places[f"{count} rows, {name}"] = in_float32(points, place, again=again)
    medians = np.median(measure(list(places.values()), 80), axis=1)
    ratios = np.median(medians / medians[:, :1], axis=0)
    sizes = [Path(place).stat().st_size for place in places.values()]
    return [
        f"{name:28}{ratio:6.3f} of the model's time {(size - sizes[0]) / 1e3:10.0f} kB"
        for name, ratio, size in zip(places, ratios, sizes, strict=True)
    ]


def cases(draw: np.random.Generator) -> dict[str, tuple[Floats, Floats]]:
    """Return rows to be found and rows that ask, by what their columns are."""
    names = ("scaled columns", "unscaled times", "a rare group", "rows far outside", "one outlier")
    made = {name: (draw.normal(size=(4000, 64)), draw.normal(size=(ASKED, 64))) for name in names}
    for one in made["unscaled times"]:
        one[:, 0] = 1.7e9 + draw.integers(0, 10**7, len(one))
    points, rows = made["a rare group"]
    points[7:37, 0] += 3e3
    rows[:, 0] += 3e3
    points, rows = made["rows far outside"]
    points[:, 0] = draw.integers(0, 5, len(points))
    rows[:, 0] = 1e6
    points, _ = made["one outlier"]
    points[7, 0] = 1e9
    return made


def nearest(points: Floats, rows: Floats, count: int) -> NDArray[np.int64]:
    """Return the nearest points of each row by float64, best first."""
    near = 2 * rows @ points.T - np.square(points).sum(axis=1)
    return np.argsort(-near, axis=1, kind="stable")[:, :count]


def nearest_by_float32(points: Floats, rows: Floats, count: int) -> NDArray[np.int64]:
    """Return the nearest points of each row by float32, counted from the points' mean."""
    middle = points.mean(axis=0)
    there, asked = (points - middle).astype(np.float32), (rows - middle).astype(np.float32)
    near = 2 * asked @ there.T - np.square(points - middle).sum(axis=1).astype(np.float32)
    return np.argsort(-near, axis=1, kind="stable")[:, :count]


def wrong(points: Floats, rows: Floats, count: int) -> int:
    """Return how many rows get another label by float32."""
    kinds = points[:, 2] > 0
    exact = kinds[nearest(points, rows, count)].mean(axis=1) > 0.5
    narrow = kinds[nearest_by_float32(points, rows, count)].mean(axis=1) > 0.5
    return int((exact != narrow).sum())


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory(prefix="edgefeat-") as folder:
        lines = times(Path(folder))
    lines += ["", f"labels of {ASKED} rows that differ by float32, of 1 and of {NEAREST} nearest"]
    for name, (points, rows) in cases(np.random.default_rng(0)).items():
        one, five = (wrong(points, rows, count) for count in (1, NEAREST))
        lines.append(f"{name:28}{one:6} {five:6}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
