"""The one Transpose at the input."""

from __future__ import annotations

import pytest

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.transpose_input import transpose_input
from edgefeat_export.graph.pipeline import settle
from graph_notation import assert_becomes, assert_stays

DECLARED = "x: (n, 8, 6, 3)\nw: weight(4, 3, 3, 3)\nthird: weight(3)\n"


def test_arithmetic_on_the_picture_itself_moves_behind_the_transpose() -> None:
    def run(graph: Graph) -> None:
        transpose_input(graph)
        settle(graph)

    before = f"""{DECLARED}
a = Sub(x, third)
b = Transpose(a, perm=[0, 3, 1, 2])
c = Relu(b)
y = Conv(c, w)
"""
    after = """
a = Transpose(x, perm=[0, 3, 1, 2])
b = Sub(a, third_first)
c = Relu(b)
y = Conv(c, w2, pads=[0, 0, 0, 0])
"""
    assert_becomes(run, before, after)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("a = Transpose(x, perm=[0, 3, 1, 2])\ny = Conv(a, w)", id="is-there-already"),
        pytest.param("y = Relu(x)", id="stays-nhwc"),
        pytest.param("a = Reshape(x, [-1, 144])\ny = Relu(a)", id="flattened"),
    ],
)
def test_an_input_that_gains_nothing_stays(source: str) -> None:
    assert_stays(transpose_input, DECLARED + source)
