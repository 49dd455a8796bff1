from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, NodeProto, helper

from edgefeat_export.graph.pipeline import clean
from graph_support import Array, assert_same, make_model, ops, relative_l2, run

RNG = np.random.default_rng(6)
FEEDS = {"x": RNG.normal(size=(2, 4, 11, 8)).astype(np.float32) - 1}  # mostly negative
WEIGHT = RNG.normal(size=(5, 4, 3, 3)).astype(np.float32)


def model(nodes: list[NodeProto], **constants: Any) -> ModelProto:
    arrays = {name: np.asarray(value) for name, value in constants.items()}
    return make_model(nodes, {"x": ("batch", 4, 11, 8)}, {"y": ("batch", None, None, None)}, arrays)


def pad(out: str, source: str = "x") -> NodeProto:
    return helper.make_node("Pad", [source, "pads", "fill"], [out])


def conv(source: str, **attrs: Any) -> NodeProto:
    return helper.make_node("Conv", [source, "w"], ["y"], strides=[2, 2], **attrs)


def pool(op: str, source: str, **attrs: Any) -> NodeProto:
    return helper.make_node(op, [source], ["y"], kernel_shape=[3, 3], strides=[2, 2], **attrs)


ZERO = np.zeros((), np.float32)
PADS = np.array([0, 0, 1, 0, 0, 0, 2, 1], np.int64)


@pytest.mark.parametrize("mode", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("op", ["Conv", "MaxPool", "AveragePool"])
def test_automatic_padding_becomes_numbers(mode: str, op: str) -> None:
    node = conv("x", auto_pad=mode) if op == "Conv" else pool(op, "x", auto_pad=mode)
    before = model([node], **({"w": WEIGHT} if op == "Conv" else {}))
    after = clean(before)
    attributes = {attribute.name for attribute in after.graph.node[0].attribute}
    assert "auto_pad" not in attributes
    assert "pads" in attributes
    assert_same(before, after, FEEDS)


@pytest.mark.parametrize("own", [[0, 0, 0, 0], [1, 1, 1, 1]])
def test_a_pad_with_zeros_merges_into_the_convolution(own: list[int]) -> None:
    before = model([pad("p"), conv("p", pads=own)], w=WEIGHT, pads=PADS, fill=ZERO)
    after = clean(before)
    assert ops(after) == {"Conv": 1}
    assert_same(before, after, FEEDS)


@pytest.mark.parametrize(
    ("pads", "fill"),
    [
        pytest.param(PADS, np.ones((), np.float32), id="with-ones"),
        pytest.param([0, 1, 0, 0, 0, 1, 0, 0], ZERO, id="channels"),
        pytest.param([0, 0, -1, 0, 0, 0, 2, 0], ZERO, id="negative"),
    ],
)
def test_other_pads_stay_before_a_convolution(pads: Array, fill: Array) -> None:
    channels = 6 if pads[1] else 4
    w = RNG.normal(size=(5, channels, 3, 3)).astype(np.float32)
    before = model([pad("p"), conv("p", pads=[0] * 4)], w=w, pads=np.asarray(pads), fill=fill)
    after = clean(before)
    assert ops(after) == {"Pad": 1, "Conv": 1}
    assert_same(before, after, FEEDS)


def test_a_pad_merges_into_a_max_pool_of_what_cannot_be_negative() -> None:
    relu = helper.make_node("Relu", ["x"], ["r"])
    before = model([relu, pad("p", "r"), pool("MaxPool", "p")], pads=PADS, fill=ZERO)
    after = clean(before)
    assert ops(after) == {"Relu": 1, "MaxPool": 1}
    assert_same(before, after, FEEDS)


def test_a_pad_stays_before_a_max_pool_of_what_can() -> None:
    before = model([pad("p"), pool("MaxPool", "p", pads=[0] * 4)], pads=PADS, fill=ZERO)
    after = clean(before)
    assert ops(after) == {"Pad": 1, "MaxPool": 1}
    assert_same(before, after, FEEDS)


def test_onnxruntime_before_1_32_merges_that_pad_unless_guarded() -> None:
    """Why the guard is there; it may go with support for the last version that needs it."""
    before = model([pad("p"), pool("MaxPool", "p", pads=[0] * 4)], pads=PADS, fill=ZERO)
    (plain,), (fused,) = run(before, FEEDS), run(before, FEEDS, optimise=True)
    version = tuple(map(int, onnxruntime.__version__.split(".")[:2]))
    assert (relative_l2(fused, plain) > 1e-2) == (version < (1, 32))


@pytest.mark.parametrize("own", [[0, 0, 0, 0], [1, 1, 1, 1]])
@pytest.mark.parametrize("counted", [0, 1])
def test_a_pad_before_an_average_pool_is_counted(own: list[int], counted: int) -> None:
    pads = np.array([0, 0, 1, 0, 0, 0, 1, 1], np.int64)
    node = pool("AveragePool", "p", pads=own, count_include_pad=counted)
    before = model([pad("p"), node], pads=pads, fill=ZERO)
    after = clean(before)
    merged = counted == 1 or not any(own)
    assert ops(after) == ({"AveragePool": 1} if merged else {"Pad": 1, "AveragePool": 1})
    assert_same(before, after, FEEDS)
