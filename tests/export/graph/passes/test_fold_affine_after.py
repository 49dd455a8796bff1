"""Scales and shifts behind a convolution or Gemm."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.fold_affine_after import fold_affine_after
from graph_notation import assert_becomes, assert_stays

DECLARED = """
x: (n, 6, 9, 7)
w1: weight(6, 6, 3, 3)
w2: weight(6, 3, 3, 3)
w6: weight(6, 1, 3, 3)
s: weight(1, 6, 1, 1)
t: weight(1, 6, 1, 1)
gamma: weight(6)
beta: weight(6)
mean: weight(6)
variance: weight(6)
"""


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize(
    ("tail", "bias"),
    [
        pytest.param("y = BatchNormalization(a, gamma, beta, mean, variance)", True, id="norm"),
        pytest.param("b = Mul(a, s)\ny = Add(b, t)", True, id="mul-add"),
        pytest.param("b = Sub(s, a)\ny = Div(b, t)", True, id="sub-div"),
        pytest.param("y = Div(a, s)", False, id="div"),
    ],
)
def test_scale_and_shift_fold_into_the_convolution(tail: str, bias: bool, groups: int) -> None:
    before = f"{DECLARED}a = Conv(x, w{groups}, group={groups}, pads=[1, 1, 1, 1])\n{tail}"
    inputs = "x, w, b" if bias else "x, w"
    assert_becomes(
        fold_affine_after, before, f"y = Conv({inputs}, group={groups}, pads=[1, 1, 1, 1])"
    )


def test_a_bias_is_scaled_before_the_shift_is_added() -> None:
    before = f"{DECLARED}a = Conv(x, w1, beta)\nb = Mul(a, s)\ny = Add(b, t)"
    assert_becomes(fold_affine_after, before, "y = Conv(x, w, b)")


def test_a_dense_layer_takes_scale_and_shift() -> None:
    before = """
        x: (n, 8)
        w: weight(8, 5)
        bias: weight(5)
        s: weight(5)
        a = Gemm(x, w)
        b = Add(a, bias)
        y = Mul(b, s)
        """
    assert_becomes(fold_affine_after, before, "y = Gemm(x, rows, b, transB=1)")


def test_shared_weights_are_folded_for_each_convolution_alone() -> None:
    before = f"{DECLARED}a = Conv(x, w1)\nb = Mul(a, s)\nc = Conv(b, w1)\ny = Mul(c, t)"
    assert_becomes(fold_affine_after, before, "b = Conv(x, p)\ny = Conv(b, q)")


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("a = Conv(x, w1)\ny = Mul(a, s)\nz = Relu(a)", id="two-readers"),
        pytest.param("y = Conv(x, w1)\nz = Mul(y, s)", id="an-output"),
        pytest.param("a = Relu(x)\ny = Mul(a, s)", id="no-convolution"),
    ],
)
def test_what_is_not_the_convolutions_alone_stays(source: str) -> None:
    assert_stays(fold_affine_after, DECLARED + source)


def test_a_gemm_that_scales_by_itself_stays() -> None:
    declared = "x: (n, 6)\nw: weight(6, 4)\n"
    assert_stays(fold_affine_after, declared + "a = Gemm(x, w, alpha=0.5)\ny = Mul(a, 2.0)")


@pytest.mark.parametrize("shape", ["1, 1, 7, 1", "1, 6, 7, 5", "5", "2, 1, 1, 1"])
def test_constants_that_are_not_per_channel_stay(shape: str) -> None:
    declared = f"x: (2, 6, 9, 7)\nw: weight(6, 6, 3, 3)\nk: weight({shape})\n"
    assert_stays(fold_affine_after, declared + "a = Conv(x, w)\ny = Mul(a, k)")


def test_a_constant_that_widens_the_tensor_stays() -> None:
    declared = "x: (n, 6, 9, 7)\nw: weight(1, 6, 3, 3)\ns: weight(1, 6, 1, 1)\n"
    assert_stays(fold_affine_after, declared + "a = Conv(x, w)\ny = Mul(a, s)")
