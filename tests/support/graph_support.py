"""Small hand-made graphs, and what onnxruntime computes with them, fusions switched off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[Any]


def make_model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str | None]],
    constants: Mapping[str, Array],
    *,
    opset: int = 17,
) -> onnx.ModelProto:
    """A checked float model; constants keep their type."""
    graph = helper.make_graph(
        list(nodes),
        "handmade",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in inputs.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(
    model: onnx.ModelProto, feeds: Mapping[str, Array], *, optimise: bool = False
) -> list[Array]:
    """Every output of a model, one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if not optimise:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    data = model.SerializeToString()
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, dict(feeds))]


def relative_l2(got: Array, expected: Array) -> float:
    """Distance relative to the expected norm, which must not be zero."""
    assert got.shape == expected.shape
    assert np.linalg.norm(expected) > 1e-3
    return float(np.linalg.norm(got - expected) / np.linalg.norm(expected))


def ops(model: onnx.ModelProto) -> dict[str, int]:
    """How many nodes of each operator."""
    return dict(Counter(node.op_type for node in model.graph.node))


def scalings_as_one(counts: Mapping[str, int]) -> dict[str, int]:
    """Count multiplications and divisions together.

    Newer versions of Keras divide by a constant in GELU where older ones multiply by its inverse.
    """
    others = {op: count for op, count in counts.items() if op not in ("Mul", "Div")}
    return others | {"Mul or Div": counts.get("Mul", 0) + counts.get("Div", 0)}


def assert_same(
    before: onnx.ModelProto, after: onnx.ModelProto, feeds: Mapping[str, Array]
) -> None:
    """Both compute the same, with and without onnxruntime's own fusions."""
    onnx.checker.check_model(after, full_check=True)
    expected = run(before, feeds)
    for optimise in (False, True):
        for got, wanted in zip(run(after, feeds, optimise=optimise), expected, strict=True):
            assert relative_l2(got, wanted) < 1e-6
