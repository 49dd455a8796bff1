"""What stays in float though integer kernels exist: the insides of layer normalisation and of GELU.

Bytes hold too little of a square or of a sum that is normalised next. ONNX Runtime also has one
float operator for each of these two; it is found only if no bytes stand in between.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.node import Node

__all__ = ["float_parts", "is_normalised"]


def float_parts(graph: Graph) -> frozenset[str]:
    """Return the outputs of elementwise operators that are to stay in float."""
    return frozenset(
        node.out
        for node in graph.in_order()
        if (node.op == "Add" and is_normalised(graph, node.out))
        or (node.op == "Mul" and (_is_square_of_deviation(graph, node) or _is_gelu(graph, node)))
    )


def is_normalised(graph: Graph, tensor: str) -> bool:
    """Return whether the mean over some axes is subtracted from a tensor."""
    users = graph.users(tensor)
    if any(user.op == "LayerNormalization" for user in users):
        return True
    means = {user.out for user in users if user.op == "ReduceMean"}
    return any(
        user.op == "Sub" and user.inputs[0] == tensor and user.inputs[1] in means for user in users
    )


def _is_square_of_deviation(graph: Graph, node: Node) -> bool:
    first, second = node.inputs
    return first == second and all(user.op == "ReduceMean" for user in graph.users(node.out))


def _is_gelu(graph: Graph, node: Node) -> bool:
    """Return whether a product's factor is the error function of a number, plus one."""
    return any(
        maker.op == "Add" and any(above.op == "Erf" for above in _makers(graph, maker))
        for maker in _makers(graph, node)
    )


def _makers(graph: Graph, node: Node) -> Iterator[Node]:
    for name in node.inputs:
        maker = graph.producer(name)
        if maker is not None:
            yield maker
