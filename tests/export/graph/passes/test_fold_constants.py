"""Nodes that read constants alone."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.passes.fold_constants import fold_constants
from graph_notation import assert_becomes, assert_stays


def test_a_row_of_constant_nodes_is_computed() -> None:
    before = """
        x: (n, 6)
        w: weight(4, 6)
        a = Transpose(w, perm=[1, 0])
        b = Mul(a, 3.0)
        y = MatMul(x, b)
        """
    assert_becomes(fold_constants, before, "y = MatMul(x, w)")


def test_every_output_of_a_node_is_computed() -> None:
    before = """
        x: (n, 3)
        w: weight(3, 4)
        a, b = Split(w, axis=1)
        c = MatMul(x, a)
        d = MatMul(x, b)
        y = Add(c, d)
        """
    after = "c = MatMul(x, a)\nd = MatMul(x, b)\ny = Add(c, d)"
    assert_becomes(fold_constants, before, after)


@pytest.mark.parametrize("operator", ["RandomNormalLike", "Bernoulli"])
def test_random_numbers_are_not_drawn_beforehand(operator: str) -> None:
    source = f"x: (n, 4)\nw: weight(1, 4)\na = {operator}(w)\ny = Add(x, a)"
    assert_stays(fold_constants, source)
