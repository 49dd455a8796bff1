"""Sums, inverses, curves and kernels whose bits do not depend on the CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edgefeat_export.graph.graph import Graph
from edgefeat_export.quant import curves, exact
from edgefeat_export.quant.executor import open_session
from edgefeat_export.quant.kernel import IntegerKernel
from edgefeat_export.quant.linear import inverse_root
from edgefeat_export.quant.operators import Operator
from edgefeat_export.quant.scheme import Affine, IntegerLayer
from edgefeat_export.quant.windows import Windows

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 300)


def numbers(seed: int, *shape: int) -> np.ndarray:
    """Numbers of many sizes, as networks have them."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) * 10.0 ** rng.integers(-6, 3, shape)


# Sums


@given(seed=seeds, count=sizes)
def test_numbers_on_a_grid_have_one_sum_in_every_order(seed: int, count: int) -> None:
    on_grid = exact.on_grid(numbers(seed, count), exact.spare_bits(count))
    shuffled = np.random.default_rng(seed).permutation(on_grid)
    assert float(on_grid.sum()) == float(shuffled.sum()) == math.fsum(on_grid)


@given(seed=seeds, bits=st.integers(4, 40))
def test_a_grid_moves_no_number_by_more_than_half_a_step(seed: int, bits: int) -> None:
    x = numbers(seed, 3, 50)
    step = exact.grid_step(x, bits, axis=1)
    on_grid = exact.on_grid(x, bits, axis=1)
    assert (np.abs(on_grid - x) <= step / 2).all()
    levels = on_grid / step
    assert (levels == np.rint(levels)).all()
    assert np.abs(levels).max() <= 2**bits


@given(seed=seeds, rows=st.integers(1, 9), taps=sizes, columns=st.integers(1, 9))
def test_a_product_is_the_same_in_every_order_and_right_to_forty_bits(
    seed: int, rows: int, taps: int, columns: int
) -> None:
    a, b = numbers(seed, rows, taps), numbers(seed + 1, taps, columns)
    product = exact.matmul(a, b)
    order = np.random.default_rng(seed).permutation(taps)
    np.testing.assert_array_equal(product, exact.matmul(a[:, order], b[order]))
    size = np.abs(a).max(1, keepdims=True) * np.abs(b).max(0, keepdims=True) * taps
    assert (np.abs(product - a @ b) <= size * 2.0**-40).all()


def test_sums_of_nothing_are_zero() -> None:
    assert exact.sum_in_order(np.empty((3, 0)), 1).tolist() == [0, 0, 0]
    assert exact.on_grid(np.empty((2, 0)), 20).shape == (2, 0)


# Inverses


@settings(max_examples=25)
@given(seed=seeds, size=st.integers(1, 150))
def test_the_root_is_triangular_and_its_square_the_inverse(seed: int, size: int) -> None:
    factors = np.random.default_rng(seed).normal(size=(2, size, size))
    covariance = factors @ factors.swapaxes(1, 2) / size + 0.1 * np.eye(size)
    root = inverse_root(covariance)
    np.testing.assert_array_equal(root, np.triu(root))
    identity = root.swapaxes(1, 2) @ root @ covariance
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(size), identity.shape), atol=1e-8)


# Curves


@pytest.mark.parametrize(
    ("ours", "known", "relative", "absolute"),
    [
        (curves.exp, math.exp, 1e-14, 0),
        (curves.tanh, math.tanh, 0, 1e-15),
        (curves.erf, math.erf, 0, 2e-7),
        (curves.sigmoid, lambda x: 1 / (1 + math.exp(-x)), 1e-14, 0),
    ],
)
def test_curves_are_right(ours, known, relative, absolute) -> None:
    x = np.concatenate([np.linspace(-40, 40, 4001), [0.0, -0.0, 1e-9, -650.0, 650.0]])
    expected = [known(value) for value in x]
    np.testing.assert_allclose(ours(x), expected, rtol=relative, atol=absolute)


def test_curves_take_what_is_far_out() -> None:
    far = np.array([-1e30, 1e30])
    assert curves.tanh(far).tolist() == [-1, 1]
    assert curves.erf(far).tolist() == [-1, 1]
    assert curves.sigmoid(far) == pytest.approx([0, 1])


# Operators


def graph_of(op: str, shapes: list[tuple[int, ...]], **attrs: Any) -> Graph:
    """One operator; the first shape is its input's, the others are those of constants."""
    rng = np.random.default_rng(3)
    constants = [
        numpy_helper.from_array((0.2 + rng.random(shape)).astype(np.float32), f"c{index}")
        for index, shape in enumerate(shapes[1:])
    ]
    names = [constant.name for constant in constants]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy")
    nodes = [helper.make_node(op, ["x", *names], ["y"], **attrs)]
    graph = helper.make_graph(nodes, "one", [x], [y], constants)
    opset = [helper.make_opsetid("", 17)]
    return Graph(helper.make_model(graph, opset_imports=opset, ir_version=8))


IMAGE = (2, 6, 9, 8)
OPERATORS: dict[str, tuple[str, list[tuple[int, ...]], dict[str, Any]]] = {
    "add": ("Add", [IMAGE, (6, 1, 1)], {}),
    "average-pool": ("AveragePool", [IMAGE], {"kernel_shape": [3, 2], "strides": [2, 1]}),
    "average-pool-padded": ("AveragePool", [IMAGE], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 0]}),
    "average-pool-counting": (
        "AveragePool", [IMAGE],
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1},
    ),
    "batch-norm": ("BatchNormalization", [IMAGE, (6,), (6,), (6,), (6,)], {"epsilon": 0.01}),
    "clip": ("Clip", [IMAGE, (), ()], {}),
    "conv": ("Conv", [IMAGE, (4, 6, 3, 3), (4,)], {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
    "conv-dilated": ("Conv", [IMAGE, (4, 6, 3, 2)], {"dilations": [2, 3]}),
    "conv-grouped": ("Conv", [IMAGE, (4, 3, 1, 1), (4,)], {"group": 2}),
    "conv-depthwise": ("Conv", [IMAGE, (12, 1, 3, 3), (12,)], {"group": 6, "pads": [1] * 4}),
    "div": ("Div", [IMAGE, (6, 1, 1)], {}),
    "erf": ("Erf", [IMAGE], {}),
    "exp": ("Exp", [IMAGE], {}),
    "gemm": ("Gemm", [(5, 7), (7, 4), (4,)], {"alpha": 0.5, "beta": 2.0}),
    "gemm-transposed": ("Gemm", [(5, 7), (4, 7)], {"transB": 1}),
    "global-average-pool": ("GlobalAveragePool", [IMAGE], {}),
    "hard-sigmoid": ("HardSigmoid", [IMAGE], {"alpha": 0.3, "beta": 0.4}),
    "hard-swish": ("HardSwish", [IMAGE], {}),
    "matmul": ("MatMul", [(2, 5, 7), (7, 4)], {}),
    "mul": ("Mul", [IMAGE, (6, 1, 1)], {}),
    "reduce-mean": ("ReduceMean", [IMAGE], {"axes": [2, 3], "keepdims": 0}),
    "reduce-mean-all": ("ReduceMean", [IMAGE], {}),
    "relu": ("Relu", [IMAGE], {}),
    "sigmoid": ("Sigmoid", [IMAGE], {}),
    "softmax": ("Softmax", [IMAGE], {"axis": 1}),
    "sub": ("Sub", [IMAGE, (6, 1, 1)], {}),
    "tanh": ("Tanh", [IMAGE], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_computes_what_onnx_runtime_does(name: str) -> None:
    op, shapes, attrs = OPERATORS[name]
    graph = graph_of(op, shapes, **attrs)
    (node,) = graph.in_order()
    x = np.random.default_rng(4).normal(size=shapes[0]).astype(np.float32)
    operator = Operator(graph, node)
    assert operator.inputs == ["x"]
    got, expected = operator.run([x]), operator._elsewhere([x])
    assert got.dtype == np.float64  # it was not ONNX Runtime
    assert expected.dtype == np.float32
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5)


def test_whole_numbers_stay_whole() -> None:
    graph = graph_of("Relu", [(3,)])
    (node,) = graph.in_order()
    got = Operator(graph, node).run([np.array([-2, 0, 3], np.int32)])
    assert got.dtype == np.int32
    assert got.tolist() == [0, 0, 3]


# Integer kernels


@pytest.mark.parametrize(
    ("channels", "outputs", "group", "side"), [(3, 8, 1, 3), (16, 16, 16, 3), (64, 40, 1, 1)]
)
def test_the_integer_kernel_gives_the_bytes_of_onnx_runtime(
    channels: int, outputs: int, group: int, side: int
) -> None:
    rng = np.random.default_rng(8)
    weight = rng.integers(-60, 61, (outputs, channels // group, side, side), np.int8)
    layer = IntegerLayer(
        weight=weight,
        scale=rng.uniform(0.001, 0.002, outputs).astype(np.float32),
        bias=rng.integers(-2000, 2000, outputs, np.int32),
        axis=0,
    )
    source, result = Affine(scale=0.02, zero_point=7), Affine(scale=0.03, zero_point=101)
    attrs = {"group": group, "pads": [1, 1, 1, 1], "strides": [2, 2]}
    levels = rng.integers(0, 256, (2, channels, 15, 15), np.uint8)
    graph = graph_of("Conv", [levels.shape, weight.shape, (outputs,)], **attrs)
    (node,) = graph.in_order()
    kernel = IntegerKernel(Windows.of(graph, node), layer, source, result)
    expected = qlinear_conv(layer, source, result, attrs, levels)
    np.testing.assert_array_equal(kernel.run(levels), expected)
    assert 5 < expected.std() < 100  # neither all alike nor all at the ends


def qlinear_conv(
    layer: IntegerLayer, source: Affine, result: Affine, attrs: dict[str, Any], levels: np.ndarray
) -> np.ndarray:
    constants = {
        "xs": np.float32(source.scale), "xz": np.uint8(source.zero_point),
        "w": layer.weight, "ws": layer.scale, "wz": np.zeros(len(layer.scale), np.int8),
        "ys": np.float32(result.scale), "yz": np.uint8(result.zero_point), "b": layer.bias,
    }  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", ["x", *constants], ["y"], **attrs)],
        "one",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, levels.shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, None)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return open_session(model).run(None, {"x": levels})[0]
