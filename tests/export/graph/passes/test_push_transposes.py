"""Transposes on their way to the outputs."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.audit import audit
from edgefeat_export.graph.passes.push_transposes import push_transposes
from edgefeat_export.graph.pipeline import clean
from graph_notation import assert_becomes, assert_stays, read
from graph_support import assert_same, ops

TO_LAST = "perm=[0, 2, 3, 1]"
# `a` is an NCHW map, `t` the same map in NHWC.
HEAD = f"x: (n, 4, 6, 5)\na = Relu(x)\nt = Transpose(a, {TO_LAST})\n"


@pytest.mark.parametrize(
    ("tail", "pushed"),
    [
        pytest.param("b = Sigmoid(t)", "p = Sigmoid(a)", id="unary"),
        pytest.param("b = Clip(t, 0.5, 6.0)", "p = Clip(a, 0.5, 6.0)", id="with-bounds"),
        pytest.param("c: weight(4)\nb = Mul(t, c)", "p = Mul(a, c)", id="channel-constant"),
        pytest.param("c: weight(6, 1, 1)\nb = Add(c, t)", "p = Add(c, a)", id="row-constant"),
        pytest.param("b = Mul(t, 2.0)", "p = Mul(a, 2.0)", id="number"),
        pytest.param(
            "b = Pad(t, [0, 1, 0, 0, 0, 0, 2, 0])",
            "p = Pad(a, [0, 0, 1, 0, 0, 0, 0, 2])",
            id="pad",
        ),
        pytest.param(
            "b = Slice(t, [1, 0], [6, 3], [1, -1])",
            "p = Slice(a, [1, 0], [6, 3], [2, 1])",
            id="slice",
        ),
        pytest.param("b = Softmax(t, axis=-1)", "p = Softmax(a, axis=1)", id="softmax"),
        pytest.param(
            "c: weight(4, 5)\nb = MatMul(t, c)",
            "p = Conv(a, c, kernel_shape=[1, 1])",
            id="dense-on-every-pixel",
        ),
        pytest.param(
            "r = ReduceMean(t, axes=[3])\nb = Sub(t, r)",
            "r = ReduceMean(a, axes=[1])\np = Sub(a, r)",
            id="mean-of-channels",
        ),
        pytest.param(
            "r = Exp(t)\nb = Concat(t, r, axis=-1)",
            "r = Exp(a)\np = Concat(a, r, axis=1)",
            id="concat",
        ),
        pytest.param(
            "c: weight(2, 6, 5, 4)\nr = Exp(t)\nb = Concat(r, c, axis=0)",
            "r = Exp(a)\np = Concat(r, c, axis=0)",
            id="concat-constant",
        ),
        pytest.param(
            "r, s = Split(t, axis=3)\nb = Mul(r, s)",
            "r, s = Split(a, axis=1)\np = Mul(r, s)",
            id="split",
        ),
    ],
)
def test_the_way_back_is_pushed_to_the_map_output(tail: str, pushed: str) -> None:
    before = f"{HEAD}{tail}\ny = Identity(b)"
    after = f"a = Relu(x)\n{pushed}\ni = Identity(p)\ny = Transpose(i, {TO_LAST})"
    assert_becomes(push_transposes, before, after)


@pytest.mark.parametrize("pool", ["ReduceMean", "ReduceMax"])
def test_pooling_over_height_and_width_needs_no_way_back(pool: str) -> None:
    before = f"{HEAD}y = {pool}(t, axes=[1, 2], keepdims=0)"
    assert_becomes(push_transposes, before, f"a = Relu(x)\ny = {pool}(a, axes=[2, 3], keepdims=0)")


def test_a_reduction_that_would_change_the_order_of_what_is_left_stays() -> None:
    assert_stays(push_transposes, f"{HEAD}y = ReduceMean(t, axes=[1], keepdims=0)")


def test_operators_without_a_rule_stay_behind_it() -> None:
    assert_stays(push_transposes, f"{HEAD}y = Flatten(t)")
    assert_stays(
        push_transposes, "x: (n, 4, 6, 5)\nt = Transpose(x, perm=[0, 1, 3, 2])\ny = Exp(t)"
    )


CONVOLVED = f"""
x: (n, 8, 6, 3)
w: weight(4, 3, 3, 3)
first = Transpose(x, perm=[0, 3, 1, 2])
k = Conv(first, w)
t = Transpose(k, {TO_LAST})
"""


@pytest.mark.parametrize(
    "tail",
    [
        pytest.param("y = ReduceMean(t, axes=[1, 2], keepdims=0)", id="global-mean"),
        pytest.param("m = ReduceMean(t, axes=[1, 2])\ny = Squeeze(m, [1, 2])", id="then-squeeze"),
        pytest.param(
            "v: weight(96, 5)\nf = Reshape(t, [-1, 96])\ny = MatMul(f, v)", id="flatten-dense"
        ),
    ],
)
def test_cleaned_no_transpose_is_left_before_a_vector_output(tail: str) -> None:
    example = read(CONVOLVED + tail)
    before = example.model()
    after = clean(before)
    assert ops(after)["Transpose"] == audit(after).transposes_at_input == 1
    assert_same(before, after, example.feeds())


def test_cleaned_a_flattened_map_output_keeps_keras_order() -> None:
    example = read(CONVOLVED + "y = Reshape(t, [-1, 96])")
    before = example.model()
    after = clean(before)
    assert audit(after).transposes_at_output == 1
    assert_same(before, after, example.feeds())


def test_cleaned_squeeze_and_excite_stays_a_one_pixel_map() -> None:
    """Pooled, reshaped with a target computed from the batch, a 1x1 convolution, multiplied."""
    example = read(
        f"""{CONVOLVED}
excite: weight(4, 4, 1, 1)
m = ReduceMean(t, axes=[1, 2], keepdims=0)
s = Shape(m)
batch = Slice(s, [0], [1])
target = Concat(batch, [1, 1], [4], axis=0)
v = Reshape(m, target)
v1 = Transpose(v, perm=[0, 3, 1, 2])
e = Conv(v1, excite)
e1 = Transpose(e, {TO_LAST})
g = Sigmoid(e1)
z1 = Mul(t, g)
y = ReduceMean(z1, axes=[1, 2], keepdims=0)
"""
    )
    before = example.model()
    after = clean(before)
    assert ops(after) == {"Transpose": 1, "Conv": 2, "ReduceMean": 2, "Sigmoid": 1, "Mul": 1}
    assert_same(before, after, example.feeds())


def test_transposes_that_name_no_axes_stay() -> None:
    assert_stays(
        push_transposes, "x: (2, 3, 4, 5)\na = Transpose(x)\nb = Relu(a)\ny = Transpose(b)"
    )
