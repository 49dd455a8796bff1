from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.pipeline import clean
from edgefeat_export.graph.writing import write
from graph_support import Array, assert_same, make_model, ops

RNG = np.random.default_rng(8)
FEEDS = {"x": RNG.normal(size=(2, 6)).astype(np.float32)}


def node(op: str, *inputs: str, out: str = "y", **attrs: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [out], **attrs)


def model(*nodes: NodeProto, outputs: tuple[str, ...] = ("y",), **constants: Any) -> ModelProto:
    arrays: dict[str, Array] = {name: np.asarray(value) for name, value in constants.items()}
    return make_model(nodes, {"x": ("batch", 6)}, dict.fromkeys(outputs, ("batch", 6)), arrays)


def test_what_depends_on_no_input_is_computed_now() -> None:
    nodes = [
        node("Transpose", "a", out="t", perm=[1, 0]),
        node("Cast", "n", out="f", to=TensorProto.FLOAT),
        node("Mul", "t", "f", out="c"),
        node("MatMul", "x", "c"),
    ]
    before = model(*nodes, a=RNG.normal(size=(6, 6)).astype(np.float32), n=np.array(3))
    after = clean(before)
    assert ops(after) == {"Gemm": 1}
    assert_same(before, after, FEEDS)


@pytest.mark.parametrize(
    ("nothing", "constants"),
    [
        pytest.param(node("Identity", "r", out="n"), {}, id="identity"),
        pytest.param(node("Dropout", "r", out="n"), {}, id="dropout"),
        pytest.param(node("Reshape", "r", "c", out="n"), {"c": [-1, 6]}, id="reshape"),
        pytest.param(node("Add", "r", "c", out="n"), {"c": np.zeros(6, "f")}, id="add-zero"),
        pytest.param(node("Mul", "r", "c", out="n"), {"c": np.ones((), "f")}, id="mul-one"),
        pytest.param(node("Pad", "r", "c", out="n"), {"c": [0, 0, 0, 0]}, id="pad-nothing"),
        pytest.param(node("Transpose", "r", out="n", perm=[0, 1]), {}, id="transpose"),
    ],
)
def test_what_does_nothing_is_gone(nothing: NodeProto, constants: dict[str, Any]) -> None:
    before = model(node("Relu", "x", out="r"), nothing, node("Sigmoid", "n"), **constants)
    after = clean(before)
    assert ops(after) == {"Relu": 1, "Sigmoid": 1}
    assert_same(before, after, FEEDS)


def test_equal_work_is_done_once_and_dead_work_never() -> None:
    nodes = [
        node("Add", "x", "a", out="p"),
        node("Add", "x", "b", out="q"),
        node("Mul", "p", "q"),
        node("Exp", "p", out="unused"),
    ]
    before = model(*nodes, a=np.full(6, 2, "f"), b=np.full(6, 2, "f"))
    after = clean(before)
    assert ops(after) == {"Add": 1, "Mul": 1}
    assert len(after.graph.initializer) == 1
    assert_same(before, after, FEEDS)


def test_outputs_keep_their_names_when_they_are_one_tensor_or_the_input() -> None:
    nodes = [
        node("Relu", "x", out="a"),
        node("Relu", "x", out="b"),
        node("Identity", "x", out="c"),
    ]
    before = model(*nodes, outputs=("a", "b", "c"))
    after = clean(before)
    assert ops(after) == {"Relu": 1, "Identity": 2}
    assert [output.name for output in after.graph.output] == ["a", "b", "c"]
    assert_same(before, after, FEEDS)


def test_equal_networks_give_equal_bytes_whatever_their_tensors_are_called() -> None:
    def variant(prefix: str) -> ModelProto:
        names = [f"{prefix}{i}" for i in range(2)]
        nodes = [node("Relu", "x", out=names[0]), node("Exp", names[0], out=names[1])]
        return model(*nodes, node("Add", names[0], names[1]))

    one, other = clean(variant("a")), clean(variant("zz"))
    assert one.SerializeToString() == other.SerializeToString()
    assert clean(one).SerializeToString() == one.SerializeToString()


def test_metadata_and_opset_survive() -> None:
    before = model(node("Relu", "x"))
    helper.set_model_props(before, {"edgefeat.spec": "{}"})
    after = clean(before)
    assert [(p.key, p.value) for p in after.metadata_props] == [("edgefeat.spec", "{}")]
    assert after.opset_import == before.opset_import
    assert after.ir_version == before.ir_version


def test_an_output_called_like_an_internal_tensor_is_no_clash() -> None:
    before = model(node("Relu", "x", out="r"), node("Exp", "r", out="Relu_0_out"),
                   node("Neg", "r", out="y"), outputs=("Relu_0_out", "y"))  # fmt: skip
    assert_same(before, clean(before), FEEDS)


def test_operators_of_other_domains_are_refused() -> None:
    before = model(node("Relu", "x", out="r"), node("Relu", "r"))
    before.graph.node[1].domain = "com.example"
    before.graph.node[1].name = "odd"
    with pytest.raises(ConversionError) as caught:
        clean(before)
    assert str(caught.value) == (
        "graph 'handmade', node 'odd': expected only operators of the standard ONNX domain, got "
        "com.example:Relu. Replace the layer that it comes from."
    )


def test_redirecting_never_touches_the_replacement_itself() -> None:
    graph = Graph(model(node("Relu", "x", out="r"), node("Exp", "r")))
    relu = next(graph.find("Relu"))
    doubled = graph.add("Add", [relu.out, relu.out])
    graph.redirect(relu.out, doubled.out)
    assert doubled.inputs == [relu.out, relu.out]
    assert ops(write(graph)) == {"Relu": 1, "Add": 1, "Exp": 1}
