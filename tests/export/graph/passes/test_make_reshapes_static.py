"""Targets of Reshapes that are computed from the batch."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.make_reshapes_static import make_reshapes_static
from graph_notation import assert_becomes, assert_stays


@pytest.mark.parametrize(
    "computed",
    [
        pytest.param("t = Concat(b, [24], axis=0)", id="a-number"),
        pytest.param(
            "h = Slice(s, [1], [4])\np = ReduceProd(h)\nt = Concat(b, p, axis=0)", id="product"
        ),
        pytest.param("f = Reshape(b, [-1])\nt = Concat(f, [24], axis=0)", id="reshaped"),
    ],
)
@pytest.mark.parametrize("batch", ["Gather(s, [0])", "Slice(s, [0], [1])"])
def test_shape_arithmetic_is_computed(computed: str, batch: str) -> None:
    source = f"x: (n, 4, 2, 3)\ns = Shape(x)\nb = {batch}\n{computed}\ny = Reshape(x, t)"
    assert_becomes(make_reshapes_static, source, "y = Reshape(x, [-1, 24])")


@pytest.mark.parametrize("node", ["Squeeze(a, [1])", "Flatten(a, axis=1)"])
def test_other_reshaping_operators_become_reshapes(node: str) -> None:
    before = f"x: (n, 1, 6)\na = Relu(x)\ny = {node}"
    assert_becomes(make_reshapes_static, before, "a = Relu(x)\ny = Reshape(a, [-1, 6])")


def test_unsqueeze_becomes_a_reshape() -> None:
    before = "x: (n, 6)\ny = Unsqueeze(x, [1])"
    assert_becomes(make_reshapes_static, before, "y = Reshape(x, [-1, 1, 6])")


def test_a_target_with_two_open_numbers_stays() -> None:
    assert_stays(make_reshapes_static, "x: (n, m, 6)\ny = Unsqueeze(x, [1])")
