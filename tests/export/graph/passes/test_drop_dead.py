"""Nodes and constants that no output needs."""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.passes.drop_dead import drop_dead
from graph_notation import assert_stays, read


def test_a_whole_dead_branch_goes_and_its_constants_with_it() -> None:
    graph = Graph(
        read(
            """
            x: (n, 4)
            w: weight(4, 6)
            a = MatMul(x, w)
            b = Relu(a)
            y = Exp(x)
            """
        ).model()
    )
    drop_dead(graph)
    assert [node.op for node in graph.nodes] == ["Exp"]
    assert not graph.constants


def test_what_an_output_needs_stays() -> None:
    assert_stays(drop_dead, "x: (n, 4)\na = Exp(x)\ny, z = Split(a, axis=1)")
