"""What an int8 graph says of itself: how much is integer, and whether its bits are everyone's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgefeat_export.cut.reduction import Reduction
from edgefeat_export.graph.graph import Graph
from edgefeat_export.pipeline.int8 import remarks
from edgefeat_export.proof.gates import Gates
from edgefeat_export.quant.graph_to_int8 import quantize_model
from edgefeat_export.quant.latency import LatencyRatio
from edgefeat_export.quant.plan import Plan
from edgefeat_export.quant.same_bits import float_operators
from edgefeat_export.quant.search import Attempt, SearchOutcome, search
from edgefeat_export.quant.shares import IntegerShare, shares_of
from edgefeat_export.quant.steps import steps_of
from edgefeat_export.quant.targets import TARGETS
from quant_networks import SIDE, Network, branches, curved, mobile, photos

# Shares


def test_a_network_of_convolutions_is_integer_altogether() -> None:
    assert quantize_model(mobile(), photos(8)).integer == IntegerShare(weights=1.0, macs=1.0)


def test_a_layer_in_float_takes_its_weights_and_multiplications_away() -> None:
    model = mobile()
    names = list(quantize_model(model, photos(8)).errors)
    made = quantize_model(model, photos(8), keep_float=[names[0]])
    weights, macs = {}, {}
    for node in Graph(model).find("Conv"):
        weight, bias = (Graph(model).constants[name].size for name in node.inputs[1:3])
        weights[node.out] = weight + bias
        macs[node.out] = weight * (SIDE // 2) ** 2  # every map has half of the picture's side
    first = next(iter(weights))
    assert made.integer.weights == pytest.approx(1 - weights[first] / sum(weights.values()))
    assert made.integer.macs == pytest.approx(1 - macs[first] / sum(macs.values()))


@pytest.mark.parametrize(
    ("op", "shapes", "attrs", "count"),
    [
        ("Einsum", [(1, 5, 2, 3), (1, 7, 2, 3)], {"equation": "btnh,bsnh->bnts"}, 5 * 7 * 2 * 3),
        ("MatMul", [(1, 5, 6), (6, 4)], {}, 5 * 6 * 4),
        ("Gemm", [(1, 6), (4, 6)], {"transB": 1}, 6 * 4),
        ("ConvTranspose", [(1, 6, 5, 5), (6, 4, 3, 3)], {"strides": [2, 2]}, 5 * 5 * 6 * 4 * 9),
        ("Conv", [(1, 6, 5, 5), (4, 3, 3, 3)], {"group": 2}, 3 * 3 * 4 * 3 * 9),
    ],
    ids=["einsum", "matmul", "gemm", "transposed", "grouped"],
)
def test_multiplications_are_counted(
    op: str, shapes: list[tuple[int, ...]], attrs: dict[str, Any], count: int
) -> None:
    """Beside a product of 100, the share tells the count."""
    ones = [numpy_helper.from_array(np.ones(shape, np.float32), f"w{i}") for i, shape in
            enumerate([*shapes[1:], (10, 10)])]  # fmt: skip
    nodes = [
        helper.make_node(op, ["x", "w0"], ["y"], **attrs),
        helper.make_node("Gemm", ["z", f"w{len(shapes) - 1}"], ["v"]),
    ]
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, shapes[0]),
        helper.make_tensor_value_info("z", TensorProto.FLOAT, (1, 10)),
    ]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "yv"]
    proto = helper.make_graph(nodes, "two", inputs, outputs, ones)
    opset = [helper.make_opsetid("", 17)]
    graph = Graph(helper.make_model(proto, opset_imports=opset, ir_version=8))
    plan = Plan(
        steps=tuple(steps_of(graph)),
        integer=frozenset({"v"}),
        quantized=frozenset(),
        shared={},
        image=None,
    )
    assert shares_of(graph, plan, {"v"}).macs == pytest.approx(100 / (100 + count))


def test_almost_all_is_not_called_all() -> None:
    share = IntegerShare(weights=0.99999, macs=0.05449)
    assert share.describe() == (
        "99.9 % of the weights and 5.4 % of the multiplications are integer"
    )
    assert share.as_record() == {"integer_weights": 0.9999, "integer_macs": 0.0544}


# Bits


def test_whole_numbers_to_the_end_are_the_same_everywhere(root: Path) -> None:
    assert float_operators(quantize_model(mobile(), photos(8)).model) == ()
    shipped = onnx.load(root / "models" / "efficientnet_lite0_224_int8.onnx")
    assert float_operators(shipped) == ()


def test_sums_and_curves_in_float_are_not() -> None:
    """Both networks are integer in all their weights, and no layer was kept in float."""
    ends = quantize_model(branches(), photos(8))
    assert ends.integer.weights == 1
    assert "ReduceMean" in float_operators(ends.model)
    assert {"Erf", "Tanh"} <= set(float_operators(quantize_model(curved(), photos(8)).model))


def test_a_layer_kept_in_float_and_what_follows_the_network_count() -> None:
    model = mobile()
    names = list(quantize_model(model, photos(8)).errors)
    kept = quantize_model(model, photos(8), keep_float=[names[2]])
    assert float_operators(kept.model) == ("Conv",)
    whole = quantize_model(model, photos(8)).model
    assert float_operators(Reduction(l2=True).append(whole)) == ("LpNormalization",)


def test_a_map_that_leaves_the_last_convolution_as_floats_is_not() -> None:
    net = Network()
    x = net.add("Relu", net.conv(net.start, 8, 3, kernel=3, pads=(1, 1, 1, 1)))
    model = net.model(net.conv(x, 4, 8), 4)
    (pooling,) = (node for node in model.graph.node if node.op_type == "ReduceMean")
    model.graph.node.remove(pooling)
    model.graph.node[-1].output[0] = "features"
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 4, SIDE, SIDE])
    )
    made = quantize_model(model, photos(8))
    assert made.integer.weights == 1  # they are stored so, but nothing rounds their sums
    assert made.integer.macs < 1
    assert float_operators(made.model) == ("Conv",)


def mean_colour(side: int) -> onnx.ModelProto:
    nodes = [
        helper.make_node("Cast", ["image"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["real", "axes"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "unit"], ["features"]),
    ]
    constants = {"axes": np.array([1, 2]), "unit": np.array(1 / side**2, np.float32)}
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", side, side, 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_sum_of_bytes_is_whole_until_float32_is_full() -> None:
    assert float_operators(mean_colour(256)) == ()
    assert float_operators(mean_colour(257)) == ("ReduceSum",)


@pytest.mark.parametrize(("middle", "found"), [(0.5, ("QLinearSigmoid",)), (0.4, ())])
def test_a_table_is_the_same_where_it_rounds_clearly(middle: float, found: tuple[str, ...]) -> None:
    """The sigmoid of 0 is a half. With levels of 0.5 / 3.5 it lies between two of them."""
    unit = 0.5 / (3 + middle)
    parameters: dict[str, np.ndarray] = {
        "s": np.array(0.5, np.float32),
        "z": np.array(128, np.uint8),
        "u": np.array(unit, np.float32),
        "o": np.array(0, np.uint8),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["image", "s", "z"], ["real"]),
        helper.make_node("Sigmoid", ["real"], ["bent"]),
        helper.make_node("QuantizeLinear", ["bent", "u", "o"], ["bytes"]),
        helper.make_node("DequantizeLinear", ["bytes", "u", "o"], ["features"]),
    ]
    graph = helper.make_graph(
        nodes,
        "table",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 4, 4, 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", 4, 4, 3])],
        [numpy_helper.from_array(array, name) for name, array in parameters.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert float_operators(model) == found


# Remarks


def outcome_of(after_ms: float, size_bytes: int) -> SearchOutcome:
    found = search(mobile(), photos(8), photos(30, seed=4), target=TARGETS["any"], gates=Gates())
    (made,) = found.attempts
    latency = LatencyRatio(before_ms=2.0, after_ms=after_ms, runs=30)
    attempt = Attempt(
        kept_float=(), fidelity=made.fidelity, size_bytes=size_bytes, latency=latency,
        integer=made.integer,
    )  # fmt: skip
    return SearchOutcome(quantized=found.quantized, attempts=(attempt,))


def test_what_a_user_would_not_expect_is_said() -> None:
    fp32 = mobile()
    said = list(remarks(outcome_of(3.0, 10**6), fp32, ["Softmax"]))
    assert said == [
        "warning: int8 is slower than float here: 3.00 ms a picture instead of 2.00. Time both on"
        " the device before you choose",
        f"warning: int8 is larger than float: 1000000 bytes instead of {fp32.ByteSize()}",
        "note: operators in float (Softmax) decide the last bits of the features, which may differ"
        " between CPUs: the file carries no hash of them",
    ]
    assert list(remarks(outcome_of(1.9, 10), fp32, [])) == []
