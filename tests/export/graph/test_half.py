"""Weights stored as float16: half the bytes, the same operators at run time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edgefeat_export.graph.half import with_half_weights


def network(weight: NDArray[np.float32]) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["image", "weight"], ["features"])],
        "dense",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", weight.shape[0]])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", weight.shape[1]])],
        [numpy_helper.from_array(weight, "weight")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def test_half_the_file_and_the_same_graph_when_opened(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).standard_normal((64, 128), np.float32)
    plain = network(weight)
    half = with_half_weights(plain)
    onnx.checker.check_model(half, full_check=True)
    assert len(half.SerializeToString()) < 0.52 * len(plain.SerializeToString())
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "opened.onnx")
    options.log_severity_level = 4
    session = ort.InferenceSession(half.SerializeToString(), options)
    opened = onnx.load(tmp_path / "opened.onnx")
    assert [node.op_type for node in opened.graph.node] == ["MatMul"]
    image = np.ones((1, 64), np.float32)
    expected = image @ weight.astype(np.float16).astype(np.float32)
    np.testing.assert_allclose(session.run(None, {"image": image})[0], expected, rtol=1e-4)


def test_numbers_that_float16_cannot_hold_stay() -> None:
    weight = np.full((64, 2), 1e5, np.float32)
    half = with_half_weights(network(weight))
    assert [tensor.data_type for tensor in half.graph.initializer] == [TensorProto.FLOAT]
    assert [node.op_type for node in half.graph.node] == ["MatMul"]
