from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper

from edgefeat_export.graph.pipeline import clean
from graph_support import assert_same, make_model, ops

RNG = np.random.default_rng(9)
FEEDS = {"x": RNG.normal(size=(2, 4, 5, 6)).astype(np.float32) * 4}


def node(op: str, *inputs: str, out: str = "y", **attrs: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [out], **attrs)


def model(*nodes: NodeProto, opset: int = 17, **constants: Any) -> ModelProto:
    arrays = {name: np.asarray(value, np.float32) for name, value in constants.items()}
    shape = {"x": ("batch", 4, 5, 6)}
    return make_model(nodes, shape, {"y": ("batch", None, None, None)}, arrays, opset=opset)


def gate(sixth: float = 1 / 6, high: float = 6) -> tuple[list[NodeProto], dict[str, float]]:
    nodes = [
        node("Add", "x", "three", out="a"),
        node("Clip", "a", "low", "high", out="c"),
        node("Mul", "c", "sixth", out="g"),
    ]
    return nodes, {"three": 3, "low": 0, "high": high, "sixth": sixth}


@pytest.mark.parametrize(
    ("opset", "found"), [(17, {"HardSwish": 1}), (13, {"HardSigmoid": 1, "Mul": 1})]
)
def test_hard_swish(opset: int, found: dict[str, int]) -> None:
    nodes, constants = gate()
    before = model(*nodes, node("Mul", "g", "x"), opset=opset, **constants)
    after = clean(before)
    assert ops(after) == found
    assert_same(before, after, FEEDS)


@pytest.mark.parametrize(("sixth", "high"), [(1 / 5, 6), (1 / 6, 5)])
def test_what_only_looks_like_hard_sigmoid_stays(sixth: float, high: float) -> None:
    nodes, constants = gate(sixth, high)
    before = model(*nodes, node("Exp", "g"), **constants)
    after = clean(before)
    assert "HardSigmoid" not in ops(after)
    assert_same(before, after, FEEDS)


@pytest.mark.parametrize("negated", [True, False])
def test_gelu_is_spelled_so_that_onnxruntime_fuses_it(negated: bool) -> None:
    inner = [node("Neg", "x", out="n"), node("Mul", "n", "k", out="s")]
    nodes = [
        *(inner if negated else [node("Mul", "x", "k", out="s")]),
        node("Erf", "s", out="e"),
        node("Sub", "one", "e", out="g"),
        node("Mul", "half", "x", out="h"),
        node("Mul", "h", "g"),
    ]
    root = np.sqrt(0.5) if negated else -np.sqrt(0.5)
    before = model(*nodes, k=root, one=1, half=0.5)
    after = clean(before)
    assert ops(after) == {"Mul": 2, "Div": 1, "Erf": 1, "Add": 1}
    assert_same(before, after, FEEDS)


@pytest.mark.parametrize("beta", [True, False])
def test_layer_norm_in_fewer_steps_and_its_parameters_in_the_next_layer(beta: bool) -> None:
    nodes = [
        node("ReduceMean", "x", out="m", axes=[1]),
        node("Neg", "m", out="minus"),
        node("Sub", "x", "m", out="d"),
        node("Mul", "d", "d", out="q"),
        node("ReduceMean", "q", out="v", axes=[1]),
        node("Add", "v", "eps", out="ve"),
        node("Sqrt", "ve", out="s"),
        node("Reciprocal", "s", out="r"),
        node("Mul", "r", "gamma", out="i"),
        node("Mul", "x", "i", out="p"),
        node("Mul", "minus", "i", out="o"),
        *([node("Add", "o", "beta", out="ob")] if beta else []),
        node("Add", "p", "ob" if beta else "o", out="n"),
        node("Conv", "n", "w"),
    ]
    constants = {
        "eps": 1e-6,
        "gamma": RNG.uniform(0.5, 2, (1, 4, 1, 1)),
        "w": RNG.normal(size=(3, 4, 1, 1)),
        **({"beta": RNG.normal(size=(1, 4, 1, 1))} if beta else {}),
    }
    before = model(*nodes, **constants)
    after = clean(before)
    assert ops(after) == {
        "ReduceMean": 2, "Sub": 1, "Mul": 1, "Add": 1, "Sqrt": 1, "Div": 1, "Conv": 1
    }  # fmt: skip
    assert_same(before, after, FEEDS)
