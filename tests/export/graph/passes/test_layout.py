from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper

from edgefeat_export.graph.audit import audit
from edgefeat_export.graph.pipeline import clean
from graph_support import Array, assert_same, make_model, ops

RNG = np.random.default_rng(7)
FEEDS = {"x": RNG.normal(size=(2, 8, 6, 3)).astype(np.float32)}
CONSTANTS = {
    "w": RNG.normal(size=(4, 3, 3, 3)).astype(np.float32),
    "c": RNG.normal(size=4).astype(np.float32),
    "two": RNG.normal(size=(2, 6, 4, 4)).astype(np.float32),
    "row": RNG.normal(size=(6, 1, 1)).astype(np.float32),
    "dense": RNG.normal(size=(4, 5)).astype(np.float32),
    "wide": RNG.normal(size=(96, 5)).astype(np.float32),
    "pads": np.array([0, 1, 0, 0, 0, 0, 2, 0], np.int64),
    "starts": np.array([1, 0], np.int64),
    "ends": np.array([6, 3], np.int64),
    "axes": np.array([1, -1], np.int64),
    "flat": np.array([-1, 96], np.int64),
    "dims12": np.array([1, 2], np.int64),
}


def node(op: str, *inputs: str, out: str = "y", **attrs: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [out], **attrs)


def nhwc(*tail: NodeProto, rank: int = 4) -> ModelProto:
    """An NHWC picture, a convolution between Transposes to the NHWC map `t`, and the tail."""
    head = [
        node("Transpose", "x", out="first", perm=[0, 3, 1, 2]),
        node("Conv", "first", "w", out="k", pads=[0, 0, 0, 0]),
        node("Transpose", "k", out="t", perm=[0, 2, 3, 1]),
    ]
    used = {"w"} | {name for n in tail for name in n.input}
    return make_model(
        [*head, *tail],
        {"x": ("batch", 8, 6, 3)},
        {"y": ("batch", *[None] * (rank - 1))},
        {name: value for name, value in CONSTANTS.items() if name in used},
    )


MAP_TAILS = {
    "unary": [node("Sigmoid", "t")],
    "channel-constant": [node("Mul", "t", "c")],
    "row-constant": [node("Add", "row", "t")],
    "pad": [node("Pad", "t", "pads")],
    "slice": [node("Slice", "t", "starts", "ends", "axes")],
    "softmax": [node("Softmax", "t", axis=-1)],
    "dense": [node("MatMul", "t", "dense")],
    "mean-of-channels": [node("ReduceMean", "t", out="m", axes=[3]), node("Sub", "t", "m")],
    "concat": [node("Relu", "t", out="r"), node("Concat", "t", "r", axis=-1)],
    "concat-constant": [node("Relu", "t", out="r"), node("Concat", "r", "two", axis=0)],
    "split": [helper.make_node("Split", ["t"], ["a", "b"], axis=3), node("Mul", "a", "b")],
}


@pytest.mark.parametrize("name", sorted(MAP_TAILS))
def test_the_way_back_is_pushed_to_the_map_output(name: str) -> None:
    before = nhwc(*MAP_TAILS[name])
    after = clean(before)
    report = audit(after)
    assert (report.transposes_at_input, report.transposes_at_output) == (1, 1)
    assert report.transposes_inside == 0
    assert_same(before, after, FEEDS)


VECTOR_TAILS = {
    "global-mean": [node("ReduceMean", "t", axes=[1, 2], keepdims=0)],
    "global-max": [node("ReduceMax", "t", axes=[1, 2], keepdims=0)],
    "mean-then-squeeze": [
        node("ReduceMean", "t", out="m", axes=[1, 2]),
        node("Squeeze", "m", "dims12"),
    ],
    "flatten-dense": [node("Reshape", "t", "flat", out="f"), node("MatMul", "f", "wide")],
}


@pytest.mark.parametrize("name", sorted(VECTOR_TAILS))
def test_no_transpose_is_left_before_a_vector_output(name: str) -> None:
    before = nhwc(*VECTOR_TAILS[name], rank=2)
    after = clean(before)
    assert ops(after)["Transpose"] == 1
    assert audit(after).transposes_at_input == 1
    assert_same(before, after, FEEDS)


def test_a_flattened_map_output_keeps_keras_order() -> None:
    before = nhwc(node("Reshape", "t", "flat"), rank=2)
    after = clean(before)
    assert audit(after).transposes_at_output == 1
    assert_same(before, after, FEEDS)


def test_squeeze_and_excite_stays_a_one_pixel_map() -> None:
    """Pooled, reshaped with a target computed from the batch, two 1x1 convolutions, multiplied."""
    nodes = [
        node("ReduceMean", "t", out="m", axes=[1, 2], keepdims=0),
        node("Shape", "m", out="s"),
        node("Slice", "s", "zero", "one", out="n"),
        node("Concat", "n", "ones", "four", out="target", axis=0),
        node("Reshape", "m", "target", out="v"),
        node("Transpose", "v", out="v1", perm=[0, 3, 1, 2]),
        node("Conv", "v1", "se", out="e"),
        node("Transpose", "e", out="e1", perm=[0, 2, 3, 1]),
        node("Sigmoid", "e1", out="g"),
        node("Mul", "t", "g", out="z"),
        node("ReduceMean", "z", axes=[1, 2], keepdims=0),
    ]
    extra = {
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "ones": np.array([1, 1], np.int64),
        "four": np.array([4], np.int64),
        "se": RNG.normal(size=(4, 4, 1, 1)).astype(np.float32),
    }
    CONSTANTS.update(extra)
    before = nhwc(*nodes, rank=2)
    after = clean(before)
    assert ops(after) == {"Transpose": 1, "Conv": 2, "ReduceMean": 2, "Sigmoid": 1, "Mul": 1}
    assert_same(before, after, FEEDS)


def test_arithmetic_on_the_picture_itself_moves_behind_the_transpose() -> None:
    nodes = [
        node("Mul", "x", "third", out="m"),
        node("Transpose", "m", out="first", perm=[0, 3, 1, 2]),
        node("Conv", "first", "w", out="k"),
        node("Relu", "k", out="r"),
        node("ReduceMax", "r", axes=[2, 3], keepdims=0),
    ]
    constants: dict[str, Array] = {"w": CONSTANTS["w"], "third": np.array([0.3, 0.2, 0.1], "f")}
    before = make_model(nodes, {"x": ("batch", 8, 6, 3)}, {"y": ("batch", 4)}, constants)
    after = clean(before)
    assert [n.op_type for n in after.graph.node] == ["Transpose", "Conv", "Relu", "ReduceMax"]
    assert_same(before, after, FEEDS)
