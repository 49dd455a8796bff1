"""The row of passes: it ends, or says which passes keep it from ending."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.drop_dead import drop_dead
from edgefeat_export.graph.passes.drop_no_ops import drop_no_ops
from edgefeat_export.graph.pipeline import PASSES, settle
from graph_notation import read
from graph_support import make_model


def double(graph: Graph) -> None:
    """Write x + x as x * 2."""
    for node in graph.find("Add"):
        two = graph.constant(np.array(2, np.float32))
        graph.replace(node, graph.add("Mul", [node.inputs[0], two]).out)


def add_to_itself(graph: Graph) -> None:
    """Write x * 2 as x + x."""
    for node in graph.find("Mul"):
        graph.replace(node, graph.add("Add", [node.inputs[0]] * 2).out)


def rename(graph: Graph) -> None:
    """Write a node anew, in every round."""
    for node in graph.find("Neg"):
        graph.replace(node, graph.add("Neg", node.inputs).out)


def doubled() -> Graph:
    nodes = [helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Add", ["a", "a"], ["y"])]
    return Graph(make_model(nodes, {"x": ("n", 4)}, {"y": ("n", 4)}, {}))


def test_passes_that_undo_each_other_are_named_and_no_others() -> None:
    with pytest.raises(ConversionError) as caught:
        settle(doubled(), (drop_dead, double, drop_no_ops, add_to_itself))
    assert str(caught.value) == (
        "graph 'handmade': expected the graph passes to find nothing more to do after 20 rounds, "
        "got changes in every round by double, add_to_itself. Report the model: these passes undo "
        "each other."
    )


def test_a_pass_that_never_ends_is_named_alone() -> None:
    with pytest.raises(ConversionError) as caught:
        settle(doubled(), (*PASSES, rename))
    assert str(caught.value) == (
        "graph 'handmade': expected the graph passes to find nothing more to do after 20 rounds, "
        "got changes in every round by rename. Report the model: this pass does not end."
    )


def test_where_two_quarrels_go_on_every_pass_that_is_busy_is_named() -> None:
    with pytest.raises(ConversionError, match="by double, add_to_itself, rename"):
        settle(doubled(), (double, add_to_itself, rename))


@pytest.mark.parametrize(
    ("moved", "source", "here", "last"),
    [
        pytest.param(
            "merge_tensordot",
            """
            x: (n, 5, 6)
            w: weight(6, 3)
            r = Reshape(x, [-1, 6])
            m = MatMul(r, w)
            y = Reshape(m, [-1, 5, 3])
            """,
            ["MatMul"],
            ["Reshape", "Gemm", "Reshape"],
            id="merge_tensordot",
        ),
        pytest.param(
            "fuse_hard_swish",
            """
            x: (n, 3, 8, 8)
            w: weight(4, 3, 3, 3)
            c = Conv(x, w)
            a = Add(c, 3.0)
            b = Clip(a, 0.0, 6.0)
            y = Mul(b, 0.16666667)
            """,
            ["Conv", "HardSigmoid"],
            ["Conv", "Clip", "Mul"],
            id="fuse_hard_swish",
        ),
    ],
)
def test_the_reasons_for_the_order_hold(
    moved: str, source: str, here: list[str], last: list[str]
) -> None:
    """Some passes give a better graph where they stand than at the end of the list."""
    others = [run for run in PASSES if run.__name__ != moved]
    (one,) = (run for run in PASSES if run.__name__ == moved)
    for passes, expected in ((PASSES, here), ((*others, one), last)):
        graph = Graph(read(source).model())
        settle(graph, passes)
        assert [node.op for node in graph.in_order()] == expected
