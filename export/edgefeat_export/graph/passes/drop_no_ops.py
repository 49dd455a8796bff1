"""Bypasses nodes that return their input unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["drop_no_ops"]

Check = Callable[[Graph, Node], bool]


def drop_no_ops(graph: Graph) -> None:
    """Let the readers of a node that changes nothing read its input.

    Before::

        x: (n, 4)
        a = Mul(x, 1.0)
        b = Identity(a)
        y = Relu(b)

    After::

        y = Relu(x)

    Such nodes are Identity, Dropout, a Reshape to the same shape, a Transpose that moves no axis, a
    Pad by nothing, an Add of zero and a Mul by one.
    """
    for node in graph.find(*_RETURNS_INPUT):
        if _RETURNS_INPUT[node.op](graph, node):
            graph.replace(node, node.inputs[0])


def _always(_graph: Graph, _node: Node) -> bool:
    return True


def _gives_no_mask(graph: Graph, dropout: Node) -> bool:
    """Tell whether nothing reads a Dropout's second output, which says what it dropped."""
    masks = dropout.outputs[1:]
    return not any(graph.users(mask) or mask in graph.outputs.values() for mask in masks)


def _moves_no_axis(_: Graph, transpose: Node) -> bool:
    perm = transpose.attrs.get("perm")
    return perm is not None and list(perm) == sorted(perm)


def _pads_nothing(graph: Graph, pad: Node) -> bool:
    amounts = graph.value(pad.inputs[1])
    return amounts is not None and not amounts.any()


def _keeps_shape(graph: Graph, node: Node) -> bool:
    """Tell whether the output has the shape of the first input; one side of it may be open."""
    shape = graph.shape(node.out)
    return shape is not None and shape == graph.shape(node.inputs[0]) and shape.count(None) <= 1


def _has_operand(neutral: int) -> Check:
    """Return the check whether a node's second input is this number everywhere."""

    def check(graph: Graph, node: Node) -> bool:
        operand = graph.value(node.inputs[1])
        return (
            _keeps_shape(graph, node) and operand is not None and bool(np.all(operand == neutral))
        )

    return check


_RETURNS_INPUT: Mapping[str, Check] = {
    "Identity": _always,
    "Dropout": _gives_no_mask,
    "Reshape": _keeps_shape,
    "Transpose": _moves_no_axis,
    "Pad": _pads_nothing,
    "Add": _has_operand(0),
    "Mul": _has_operand(1),
}
