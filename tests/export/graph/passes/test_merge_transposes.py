"""Transposes in a row."""

from __future__ import annotations

from edgefeat_export.graph.passes.merge_transposes import merge_transposes
from graph_notation import assert_becomes


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
