"""Flattened maps and the Dense layers behind them."""

from __future__ import annotations

from edgefeat_export.graph.passes.fold_flatten import fold_flatten
from graph_notation import assert_becomes, assert_stays


def test_the_bias_of_the_layer_stays() -> None:
    before = """
        x: (n, 4, 2, 3)
        w: weight(5, 24)
        bias: weight(5)
        a = Transpose(x, perm=[0, 2, 3, 1])
        b = Reshape(a, [-1, 24])
        y = Gemm(b, w, bias, transB=1)
        """
    assert_becomes(fold_flatten, before, "b = Reshape(x, [-1, 24])\ny = Gemm(b, w2, c, transB=1)")


def test_a_reshape_to_something_else_than_one_vector_a_picture_stays() -> None:
    assert_stays(
        fold_flatten,
        """
        x: (n, 4, 2, 3)
        w: weight(5, 12)
        a = Transpose(x, perm=[0, 2, 3, 1])
        b = Reshape(a, [-1, 12])
        y = Gemm(b, w, transB=1)
        """,
    )


def test_another_transpose_stays() -> None:
    assert_stays(
        fold_flatten,
        """
        x: (n, 4, 2, 3)
        w: weight(5, 24)
        a = Transpose(x, perm=[0, 3, 2, 1])
        b = Reshape(a, [-1, 24])
        y = Gemm(b, w, transB=1)
        """,
    )
