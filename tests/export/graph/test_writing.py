"""A written graph: its names, its outputs, its bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, helper

from edgefeat_export.graph.pipeline import clean
from graph_support import Array, assert_same, make_model, ops

RNG = np.random.default_rng(8)
FEEDS = {"x": RNG.normal(size=(2, 6)).astype(np.float32)}


def node(op: str, *inputs: str, out: str = "y", **attrs: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [out], **attrs)


def model(*nodes: NodeProto, outputs: tuple[str, ...] = ("y",), **constants: Any) -> ModelProto:
    arrays: dict[str, Array] = {name: np.asarray(value) for name, value in constants.items()}
    return make_model(nodes, {"x": ("batch", 6)}, dict.fromkeys(outputs, ("batch", 6)), arrays)


def test_outputs_keep_their_names_when_they_are_one_tensor_or_the_input() -> None:
    nodes = [
        node("Relu", "x", out="a"),
        node("Relu", "x", out="b"),
        node("Identity", "x", out="c"),
    ]
    before = model(*nodes, outputs=("a", "b", "c"))
    after = clean(before)
    assert ops(after) == {"Relu": 1, "Identity": 2}
    assert [output.name for output in after.graph.output] == ["a", "b", "c"]
    assert_same(before, after, FEEDS)


def test_equal_networks_give_equal_bytes_whatever_their_tensors_are_called() -> None:
    def variant(prefix: str) -> ModelProto:
        names = [f"{prefix}{i}" for i in range(2)]
        nodes = [node("Relu", "x", out=names[0]), node("Exp", names[0], out=names[1])]
        return model(*nodes, node("Add", names[0], names[1]))

    one, other = clean(variant("a")), clean(variant("zz"))
    assert one.SerializeToString() == other.SerializeToString()
    assert clean(one).SerializeToString() == one.SerializeToString()


def test_an_output_called_like_an_internal_tensor_is_no_clash() -> None:
    before = model(node("Relu", "x", out="r"), node("Exp", "r", out="Relu_0_out"),
                   node("Neg", "r", out="y"), outputs=("Relu_0_out", "y"))  # fmt: skip
    assert_same(before, clean(before), FEEDS)
