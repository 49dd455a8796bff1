"""Computes now what depends on no input, by onnx's reference evaluator."""

from __future__ import annotations

import numpy as np
from onnx import helper
from onnx.reference import ReferenceEvaluator

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.node import RANDOM_OPS, Node
from edgefeat_export.graph.writing import node_proto

__all__ = ["fold_constants"]


def fold_constants(graph: Graph) -> None:
    """Replace every node whose inputs are all constants by its value.

    Before::

        x: (n, 4)
        w: weight(6, 4)
        t = Transpose(w, perm=[1, 0])
        y = MatMul(x, t)

    After::

        y = MatMul(x, transposed_w)

    Nodes that draw random numbers stay.
    """
    for node in graph.in_order():
        if not node.inputs or node.op in RANDOM_OPS:
            continue
        if all(name == "" or graph.value(name) is not None for name in node.inputs):
            for old, new in zip(node.outputs, _evaluate(graph, node), strict=True):
                graph.redirect(old, graph.constant(new))
            graph.remove(node)


def _evaluate(graph: Graph, node: Node) -> list[np.ndarray]:
    feeds = {name: graph.value(name) for name in node.inputs if name}
    function = helper.make_function(
        "fold",
        "node",
        list(feeds),
        node.outputs,
        [node_proto(node)],
        [helper.make_opsetid("", graph.opset)],
    )
    return [np.asarray(value) for value in ReferenceEvaluator(function).run(None, feeds, {})]
