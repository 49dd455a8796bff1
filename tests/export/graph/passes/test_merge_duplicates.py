"""Equal nodes with equal inputs."""

from __future__ import annotations

from edgefeat_export.graph.passes.merge_duplicates import merge_duplicates
from graph_notation import assert_becomes, assert_stays


def test_equal_small_constants_are_one_input_and_equal_rows_of_nodes_one_row() -> None:
    before = """
        x: (n, 6)
        a = Add(x, 2.0)
        b = Add(x, 2.0)
        c = Exp(a)
        d = Exp(b)
        y = Mul(c, d)
        """
    assert_becomes(merge_duplicates, before, "a = Add(x, 2.0)\nc = Exp(a)\ny = Mul(c, c)")


def test_other_numbers_attributes_and_orders_of_inputs_stay() -> None:
    assert_stays(merge_duplicates, "x: (n, 6)\na = Add(x, 2.0)\nb = Add(x, 3.0)\ny = Mul(a, b)")
    assert_stays(
        merge_duplicates,
        "x: (n, 6)\na = Softmax(x, axis=0)\nb = Softmax(x, axis=1)\ny = Mul(a, b)",
    )
    assert_stays(
        merge_duplicates, "x: (n, 6)\na = Exp(x)\nb = Sub(x, a)\nc = Sub(a, x)\ny = Mul(b, c)"
    )


def test_nodes_with_several_outputs_stay() -> None:
    assert_stays(
        merge_duplicates,
        "x: (n, 6)\na, b = Split(x, axis=1)\nc, d = Split(x, axis=1)\ny = Mul(a, d)\nz = Mul(b, c)",
    )


def test_two_draws_of_random_numbers_are_not_one() -> None:
    source = "x: (n, 6)\na = RandomNormalLike(x)\nb = RandomNormalLike(x)\ny = Mul(a, b)"
    assert_stays(merge_duplicates, source)
