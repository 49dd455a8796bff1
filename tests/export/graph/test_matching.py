"""Patterns: what they find, and in which order they try."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, NodeProto, helper

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.matching import Constant, Pattern, Tensor, match, op, readers, search
from graph_support import make_model


def node(operator: str, *inputs: str, out: str = "y", **attrs: Any) -> NodeProto:
    return helper.make_node(operator, list(inputs), [out], **attrs)


def graph(*nodes: NodeProto, **constants: Any) -> Graph:
    arrays = {name: np.asarray(value, np.float32) for name, value in constants.items()}
    model: ModelProto = make_model(nodes, {"x": ("n", 4)}, {"y": ("n", None)}, arrays)
    return Graph(model)


def found_at_the_end(built: Graph, pattern: Pattern) -> bool:
    last = built.producer("y")
    assert last is not None
    return match(built, last, pattern) is not None


def test_a_match_tells_what_each_part_is() -> None:
    built = graph(node("Mul", "c", "x", out="m"), node("Sqrt", "m"), c=[1, 2, 3, 4])
    x, factor = Tensor(), Constant()
    product = x * factor
    ((last, found),) = search(built, op.Sqrt(product))
    assert last.op == "Sqrt"
    assert found.tensor(x) == "x"
    assert found.array(factor).tolist() == [1, 2, 3, 4]
    assert found.node(product).op == "Mul"


def test_operands_of_sums_and_products_stand_in_either_order_those_of_others_do_not() -> None:
    x = Tensor()
    assert found_at_the_end(graph(node("Add", "c", "x"), c=3), x + 3.0)
    assert found_at_the_end(graph(node("Add", "x", "c"), c=3), x + 3.0)
    assert found_at_the_end(graph(node("Sub", "x", "c"), c=3), x - 3.0)
    assert not found_at_the_end(graph(node("Sub", "c", "x"), c=3), x - 3.0)
    assert found_at_the_end(graph(node("Sub", "c", "x"), c=3), 3.0 - x)
    assert found_at_the_end(graph(node("Div", "x", "c"), c=3), x / 3.0)
    assert found_at_the_end(graph(node("Neg", "x")), -x)


def test_a_part_that_stands_twice_is_one_tensor() -> None:
    x = Tensor()
    square = x * x
    assert found_at_the_end(graph(node("Mul", "x", "x")), square)
    assert not found_at_the_end(graph(node("Exp", "x", out="e"), node("Mul", "x", "e")), square)
    centred = op.Exp(x)
    both = [node("Exp", "x", out="a"), node("Exp", "x", out="b")]
    assert found_at_the_end(graph(*both, node("Mul", "a", "a")), centred * centred)
    assert not found_at_the_end(graph(*both, node("Mul", "a", "b")), centred * centred)


def test_every_order_is_tried_until_all_of_the_pattern_fits() -> None:
    """The first order of the sum fits its own part of the pattern and fails only above it."""
    nodes = [node("Exp", "x", out="e"), node("Add", "e", "x", out="s"), node("Mul", "s", "x")]
    a, b = Tensor(), Tensor()
    ((_, found),) = search(graph(*nodes), (a + b) * a)
    assert (found.tensor(a), found.tensor(b)) == ("x", "e")


def test_alternatives_are_tried_in_turn_and_a_match_tells_which_fitted() -> None:
    x, factor = Tensor(), Constant()
    root = op.Sqrt(x)
    pattern = op.Exp(root * factor | root)
    plain = graph(node("Sqrt", "x", out="r"), node("Exp", "r"))
    scaled = graph(
        node("Sqrt", "x", out="r"), node("Mul", "r", "c", out="m"), node("Exp", "m"), c=2
    )
    assert [factor in found for _, found in search(plain, pattern)] == [False]
    assert [factor in found for _, found in search(scaled, pattern)] == [True]


@pytest.mark.parametrize(
    ("constant", "fits"),
    [
        (Constant(), True),
        (Constant(rank=1), True),
        (Constant(rank=2), False),
        (Constant(elements=4), True),
        (Constant(elements=1), False),
        (Constant(2.0), False),
    ],
)
def test_a_constant_may_be_asked_for_by_size(constant: Constant, fits: bool) -> None:
    built = graph(node("Mul", "x", "c"), c=[2, 2, 2, 2])
    assert found_at_the_end(built, Tensor() * constant) == fits


@pytest.mark.parametrize(("value", "fits"), [(1 / 6, True), (0.1667, False), (0.0, False)])
def test_a_number_is_compared_as_float32_holds_it(value: float, fits: bool) -> None:
    built = graph(node("Mul", "x", "c"), c=value)
    assert found_at_the_end(built, Tensor() * (1 / 6)) == fits


def test_a_computed_tensor_is_no_constant() -> None:
    built = graph(node("Exp", "x", out="e"), node("Mul", "x", "e"))
    assert not found_at_the_end(built, Tensor() * Constant())


def test_conditions_on_the_node_and_on_its_readers() -> None:
    nodes = [node("Exp", "x", out="e"), node("Neg", "e", out="n"), node("Mul", "e", "n")]
    built = graph(*nodes)
    exp = op.Exp(Tensor())
    assert found_at_the_end(built, exp * -exp)
    assert not found_at_the_end(built, exp.unshared() * Tensor())
    assert found_at_the_end(built, (-Tensor()).unshared() * Tensor())
    assert not found_at_the_end(built, exp.where(lambda _, made: made.op != "Exp") * Tensor())


def test_inputs_behind_those_of_the_pattern_can_be_anything() -> None:
    built = graph(node("Clip", "x", "low"), low=0)
    x = Tensor()
    assert found_at_the_end(built, op.Clip(x))
    assert found_at_the_end(built, op.Clip(x, 0.0))
    assert not found_at_the_end(built, op.Clip(x, 0.0, 6.0))


def test_a_search_passes_over_what_was_removed_meanwhile() -> None:
    nodes = [node("Exp", "x", out="a"), node("Exp", "a")]
    built, x = graph(*nodes), Tensor()
    seen = []
    for last, found in search(built, op.Exp(x)):
        seen.append(found.tensor(x))
        built.redirect("y", "x")
        built.remove(built.users("a")[0])
        assert last.out == "a"
    assert seen == ["x"]


def test_readers_follow_a_tensor_as_long_as_one_node_alone_reads_it() -> None:
    built = graph(node("Exp", "x", out="a"), node("Neg", "a", out="b"), node("Sqrt", "b"))
    found = readers(built, "x", "Exp", "Neg", "Sqrt")
    assert found is not None
    assert [one.op for one in found] == ["Exp", "Neg", "Sqrt"]
    assert readers(built, "x", "Exp", "Sqrt") is None
    assert readers(built, "y", "Exp") is None
    forked = graph(node("Exp", "x", out="a"), node("Neg", "a", out="b"), node("Mul", "a", "b"))
    assert readers(forked, "x", "Exp", "Neg") is None
