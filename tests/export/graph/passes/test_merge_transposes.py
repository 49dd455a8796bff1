"""Transposes in a row."""

from __future__ import annotations

from edgefeat_export.graph.passes.merge_transposes import merge_transposes
from graph_notation import assert_becomes, assert_stays


def test_three_become_one() -> None:
    before = """
        x: (n, 2, 3, 4)
        a = Transpose(x, perm=[0, 2, 3, 1])
        b = Transpose(a, perm=[0, 2, 1, 3])
        y = Transpose(b, perm=[0, 3, 1, 2])
        """
    assert_becomes(merge_transposes, before, "y = Transpose(x, perm=[0, 1, 3, 2])")


def test_the_first_stays_where_something_else_reads_it() -> None:
    before = """
        x: (n, 2, 3, 4)
        a = Transpose(x, perm=[0, 2, 3, 1])
        y = Transpose(a, perm=[0, 2, 1, 3])
        z = Relu(a)
        """
    after = """
        y = Transpose(x, perm=[0, 3, 2, 1])
        a = Transpose(x, perm=[0, 2, 3, 1])
        z = Relu(a)
        """
    assert_becomes(merge_transposes, before, after)


def test_transposes_that_name_no_axes_stay() -> None:
    source = "x: (2, 3, 4)\na = Transpose(x)\nb = Transpose(a, perm=[0, 2, 1])\ny = Transpose(b)"
    assert_stays(merge_transposes, source)
