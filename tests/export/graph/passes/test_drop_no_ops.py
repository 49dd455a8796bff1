"""Nodes that return their input, and some that only look like it."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.drop_no_ops import drop_no_ops
from graph_notation import assert_becomes, assert_stays


@pytest.mark.parametrize(
    "nothing",
    [
        "Identity(a)",
        "Dropout(a)",
        "Reshape(a, [-1, 6])",
        "Add(a, 0.0)",
        "Mul(a, 1.0)",
        "Pad(a, [0, 0, 0, 0])",
        "Transpose(a, perm=[0, 1])",
    ],
)
def test_what_does_nothing_is_gone(nothing: str) -> None:
    before = f"x: (n, 6)\na = Relu(x)\nb = {nothing}\ny = Sigmoid(b)"
    assert_becomes(drop_no_ops, before, "a = Relu(x)\ny = Sigmoid(a)")


@pytest.mark.parametrize(
    "something",
    [
        "Reshape(a, [-1, 3])",
        "Add(a, 1.0)",
        "Mul(a, 0.0)",
        "Pad(a, [0, 1, 0, 0])",
        "Transpose(a, perm=[1, 0])",
    ],
)
def test_what_does_something_stays(something: str) -> None:
    assert_stays(drop_no_ops, f"x: (n, 6)\na = Relu(x)\nb = {something}\ny = Sigmoid(b)")


def test_a_constant_of_zeros_that_widens_the_tensor_stays() -> None:
    assert_stays(drop_no_ops, "x: (n, 1)\nw: weight(1, 5)\ny = Mul(x, w)")


def test_a_dropout_whose_mask_is_read_stays() -> None:
    source = "x: (n, 6)\na, mask = Dropout(x)\nb = Cast(mask, to=1)\ny = Add(a, b)"
    assert_stays(drop_no_ops, source)
