"""Scales and shifts in a row."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.merge_affine import merge_affine
from edgefeat_export.graph.pipeline import settle
from graph_notation import assert_becomes, assert_stays

DECLARED = """
x: (n, 6, 9, 7)
s: weight(1, 6, 1, 1)
t: weight(1, 6, 1, 1)
w: weight(6, 6, 3, 3)
"""


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ("Mul(x, s)", "Div(a, t)", "Mul(x, k)"),
        ("Add(x, s)", "Sub(a, t)", "Add(x, k)"),
        ("Mul(x, s)", "Add(a, t)", "BatchNormalization(x, g, b, m, v)"),
        ("Sub(s, x)", "Mul(a, t)", "BatchNormalization(x, g, b, m, v)"),
    ],
)
def test_the_cheapest_operator_is_written(first: str, second: str, merged: str) -> None:
    assert_becomes(merge_affine, f"{DECLARED}a = {first}\ny = {second}", f"y = {merged}")


def test_what_cannot_fold_becomes_one_node() -> None:
    before = f"{DECLARED}a = Mul(x, s)\nb = Add(a, t)\nr = Relu(b)\ny = Conv(r, w)"
    after = "b = BatchNormalization(x, g, h, m, v)\nr = Relu(b)\ny = Conv(r, w)"
    assert_becomes(settle, before, after)


def test_a_first_one_with_another_reader_stays() -> None:
    assert_stays(merge_affine, f"{DECLARED}a = Mul(x, s)\ny = Add(a, t)\nz = Relu(a)")


def test_vectors_stay() -> None:
    assert_stays(merge_affine, "x: (n, 6)\na = Mul(x, 2.0)\ny = Add(a, 1.0)")
