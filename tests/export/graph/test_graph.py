"""The graph that passes change: what it keeps, and what it refuses."""

from __future__ import annotations

import pytest
from onnx import TensorProto, helper

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.writing import write
from graph_notation import read
from graph_support import ops


def test_all_but_the_graph_survives_untouched() -> None:
    before = read("x: (n, 6)\ny = Relu(x)").model()
    before.producer_name, before.model_version, before.doc_string = "test", 7, "a model"
    helper.set_model_props(before, {"edgefeat.spec": "{}", "other": "1"})
    before.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    after = write(Graph(before))
    for model in (before, after):
        model.ClearField("graph")
    assert after == before


def test_operators_of_other_domains_are_refused() -> None:
    before = read("x: (n, 6)\na = Relu(x)\ny = Relu(a)").model()
    before.graph.node[1].domain = "com.example"
    before.graph.node[1].name = "odd"
    with pytest.raises(ConversionError) as caught:
        Graph(before)
    assert str(caught.value) == (
        "graph 'handmade', node 'odd': expected only operators of the standard ONNX domain, got "
        "com.example:Relu. Replace the layer that it comes from."
    )


def test_branches_are_refused() -> None:
    before = read("x: (n, 6)\ny = Relu(x)").model()
    info = helper.make_tensor_value_info("b", TensorProto.FLOAT, None)
    inner = helper.make_graph([helper.make_node("Relu", ["x"], ["b"])], "branch", [], [info])
    node = helper.make_node("If", ["c"], ["b2"], "choice", then_branch=inner, else_branch=inner)
    before.graph.node.append(node)
    with pytest.raises(ConversionError) as caught:
        Graph(before)
    assert str(caught.value) == (
        "graph 'handmade', node 'choice': expected a graph without branches or loops, got If. "
        "Cut the model before the layer that it comes from."
    )


def test_redirecting_never_touches_the_replacement_itself() -> None:
    graph = Graph(read("x: (n, 6)\na = Relu(x)\ny = Exp(a)").model())
    relu = next(graph.find("Relu"))
    doubled = graph.add("Add", [relu.out, relu.out])
    graph.redirect(relu.out, doubled.out)
    assert doubled.inputs == [relu.out, relu.out]
    assert ops(write(graph)) == {"Relu": 1, "Add": 1, "Exp": 1}
