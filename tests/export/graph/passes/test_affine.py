from __future__ import annotations

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper

from edgefeat_export.graph.pipeline import clean
from graph_support import Array, assert_same, make_model, ops

RNG = np.random.default_rng(5)
SHAPE = ("batch", 6, 9, 7)
FEEDS = {"x": RNG.normal(size=(2, 6, 9, 7)).astype(np.float32)}
SCALE = RNG.uniform(0.5, 2, (1, 6, 1, 1)).astype(np.float32)
SHIFT = RNG.normal(size=(1, 6, 1, 1)).astype(np.float32)
BN = {
    "gamma": RNG.uniform(0.5, 2, 6).astype(np.float32),
    "beta": RNG.normal(size=6).astype(np.float32),
    "mean": RNG.normal(size=6).astype(np.float32),
    "var": RNG.uniform(0.5, 2, 6).astype(np.float32),
}


def weight(*shape: int) -> Array:
    return RNG.normal(size=shape).astype(np.float32)


def conv(source: str, out: str, *, pads: int = 1, group: int = 1, w: str = "w") -> NodeProto:
    return helper.make_node("Conv", [source, w], [out], pads=[pads] * 4, group=group)


def node(op: str, *inputs: str, out: str) -> NodeProto:
    return helper.make_node(op, list(inputs), [out])


def bn(source: str, out: str) -> NodeProto:
    return helper.make_node("BatchNormalization", [source, *BN], [out], epsilon=1e-3)


def model(nodes: list[NodeProto], constants: dict[str, Array], *outputs: str) -> ModelProto:
    shapes = dict.fromkeys(outputs or ("y",), ("batch", None, None, None))
    used = {name for n in nodes for name in n.input}
    return make_model(
        nodes, {"x": SHAPE}, shapes, {k: v for k, v in constants.items() if k in used}
    )


CONSTANTS = {"w": weight(6, 6, 3, 3), "s": SCALE, "b": SHIFT, **BN}


@pytest.mark.parametrize("group", [1, 2, 6])
@pytest.mark.parametrize(
    "tail",
    [
        pytest.param([bn("c", "y")], id="batch-norm"),
        pytest.param(
            [node("Mul", "c", "s", out="m"), node("Add", "m", "b", out="y")], id="mul-add"
        ),
        pytest.param(
            [node("Sub", "b", "c", out="m"), node("Div", "m", "s", out="y")], id="sub-div"
        ),
    ],
)
def test_scale_and_shift_fold_into_the_convolution_before(
    tail: list[NodeProto], group: int
) -> None:
    constants = {**CONSTANTS, "w": weight(6, 6 // group, 3, 3)}
    before = model([conv("x", "c", group=group), *tail], constants)
    after = clean(before)
    assert ops(after) == {"Conv": 1}
    assert_same(before, after, FEEDS)


def test_scale_folds_into_a_padded_convolution_behind_and_the_border_stays_exact() -> None:
    before = model([bn("x", "n"), conv("n", "y")], CONSTANTS)
    after = clean(before)
    assert ops(after) == {"Add": 1, "Conv": 1}
    assert_same(before, after, FEEDS)


@pytest.mark.parametrize("group", [1, 3])
def test_scale_and_shift_fold_into_an_unpadded_convolution_behind(group: int) -> None:
    constants = {**CONSTANTS, "w": weight(6, 6 // group, 3, 3)}
    before = model([bn("x", "n"), conv("n", "y", pads=0, group=group)], constants)
    after = clean(before)
    assert ops(after) == {"Conv": 1}
    assert_same(before, after, FEEDS)


def test_a_convolution_with_two_readers_keeps_its_weights() -> None:
    before = model([conv("x", "c"), bn("c", "y"), node("Relu", "c", out="z")], CONSTANTS, "y", "z")
    after = clean(before)
    assert ops(after) == {"Conv": 1, "BatchNormalization": 1, "Relu": 1}
    assert_same(before, after, FEEDS)


def test_a_convolution_that_is_an_output_keeps_its_weights() -> None:
    before = model([conv("x", "c"), bn("c", "y")], CONSTANTS, "c", "y")
    after = clean(before)
    assert ops(after) == {"Conv": 1, "BatchNormalization": 1}
    assert_same(before, after, FEEDS)


def test_shared_weights_are_folded_for_each_convolution_alone() -> None:
    nodes = [conv("x", "a"), bn("a", "n"), conv("n", "c"), node("Mul", "c", "s", out="y")]
    before = model(nodes, CONSTANTS)
    after = clean(before)
    assert ops(after)["Conv"] == 2
    assert_same(before, after, FEEDS)


@pytest.mark.parametrize("shape", [(1, 1, 9, 1), (1, 6, 9, 7), (7,), (2, 1, 1, 1)])
def test_constants_that_are_not_per_channel_stay(shape: tuple[int, ...]) -> None:
    constants = {**CONSTANTS, "s": RNG.uniform(0.5, 2, shape).astype(np.float32)}
    before = model([conv("x", "c"), node("Mul", "c", "s", out="y")], constants)
    after = clean(before)
    assert ops(after) == {"Conv": 1, "Mul": 1}
    assert_same(before, after, FEEDS)


def test_a_constant_that_widens_the_tensor_stays() -> None:
    constants = {"w": weight(1, 6, 3, 3), "s": SCALE}
    before = model([conv("x", "c"), node("Mul", "c", "s", out="y")], constants)
    after = clean(before)
    assert ops(after) == {"Conv": 1, "Mul": 1}
    assert_same(before, after, FEEDS)


def test_a_scale_of_zero_before_a_padded_convolution_stays_exact() -> None:
    scale = SCALE.copy()
    scale[0, 2] = 0
    nodes = [node("Mul", "x", "s", out="m"), node("Add", "m", "b", out="n"), conv("n", "y")]
    before = model(nodes, {**CONSTANTS, "s": scale})
    after = clean(before)
    assert ops(after) == {"BatchNormalization": 1, "Conv": 1}
    assert_same(before, after, FEEDS)


def test_what_cannot_fold_becomes_one_node() -> None:
    nodes = [
        node("Mul", "x", "s", out="m"),
        node("Add", "m", "b", out="n"),
        node("Relu", "n", out="r"),
        conv("r", "y"),
    ]
    before = model(nodes, CONSTANTS)
    after = clean(before)
    assert ops(after) == {"BatchNormalization": 1, "Relu": 1, "Conv": 1}
    assert_same(before, after, FEEDS)


def test_dense_layers_take_scale_and_shift() -> None:
    nodes = [
        node("MatMul", "x", "w", out="m"),
        node("Add", "m", "bias", out="d"),
        node("Mul", "d", "s", out="y"),
    ]
    constants = {"w": weight(8, 5), "bias": weight(5), "s": weight(5)}
    before = make_model(nodes, {"x": ("batch", 8)}, {"y": ("batch", 5)}, constants)
    after = clean(before)
    assert ops(after) == {"Gemm": 1}
    assert_same(before, after, {"x": RNG.normal(size=(3, 8)).astype(np.float32)})
