"""Dense layers on every pixel."""

from __future__ import annotations

from edgefeat_export.graph.passes.merge_tensordot import merge_tensordot
from graph_notation import assert_becomes, assert_stays

HEAD = "x: (n, 5, 4, 6)\nw: weight(6, 3)\na = Reshape(x, [-1, 6])\nb = MatMul(a, w)\n"


def test_a_map_of_any_rank_is_multiplied_as_it_is() -> None:
    assert_becomes(merge_tensordot, HEAD + "y = Reshape(b, [-1, 5, 4, 3])", "y = MatMul(x, w)")


def test_a_reshape_to_another_map_stays() -> None:
    assert_stays(merge_tensordot, HEAD + "y = Reshape(b, [-1, 4, 5, 3])")


def test_a_product_that_is_read_twice_stays() -> None:
    assert_stays(merge_tensordot, HEAD + "y = Reshape(b, [-1, 5, 4, 3])\nz = Relu(b)")


def test_a_computed_matrix_stays() -> None:
    assert_stays(
        merge_tensordot,
        """
        x: (n, 5, 6)
        w: weight(6, 3)
        v = Relu(w)
        a = Reshape(x, [-1, 6])
        b = MatMul(a, v)
        y = Reshape(b, [-1, 5, 3])
        """,
    )
