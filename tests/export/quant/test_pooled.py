"""Pooling bytes by whole sums: the exact mean, whatever the order of summation."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgefeat_export.arrays import Array
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.writing import write
from edgefeat_export.quant.pooled import pool_bytes

SCALE = 0.037


def model(zero_point: int, side: int, *, requantized: bool = False) -> onnx.ModelProto:
    constants: dict[str, Array] = {
        "scale": np.array(SCALE, np.float32),
        "zero": np.array(zero_point, np.uint8),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["levels", "scale", "zero"], ["real"]),
        helper.make_node("ReduceMean", ["real"], ["pooled"], axes=[2, 3], keepdims=0),
    ]
    if requantized:
        nodes += [
            helper.make_node("QuantizeLinear", ["pooled", "scale", "zero"], ["again"]),
            helper.make_node("DequantizeLinear", ["again", "scale", "zero"], ["features"]),
        ]
    else:
        nodes[-1].output[0] = "features"
    shape: list[str | int] = ["batch", 5, side, side]
    graph = helper.make_graph(
        nodes,
        "pooling",
        [helper.make_tensor_value_info("levels", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 5])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


@pytest.mark.parametrize("zero_point", [0, 113])
@pytest.mark.parametrize("side", [1, 7, 40])
def test_the_mean_is_exact(zero_point: int, side: int) -> None:
    graph = Graph(model(zero_point, side))
    assert pool_bytes(graph) == 1
    levels = np.random.default_rng(side).integers(0, 256, (3, 5, side, side), np.uint8)
    session = ort.InferenceSession(write(graph).SerializeToString())
    (features,) = session.run(None, {"levels": levels})
    whole = levels.astype(np.int64).sum((2, 3)) - zero_point * side * side
    unit = np.float32(float(np.float32(SCALE)) / (side * side))
    assert np.array_equal(features, whole.astype(np.float32) * unit)


def test_what_becomes_bytes_again_stays_with_the_integer_kernels() -> None:
    assert pool_bytes(Graph(model(0, 7, requantized=True))) == 0


def test_sums_too_large_for_float32_stay_as_they_are() -> None:
    assert pool_bytes(Graph(model(0, 300))) == 0
