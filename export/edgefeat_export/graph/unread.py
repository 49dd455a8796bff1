"""Drops what no output of an ONNX graph depends on, graphs within it included.

`passes/drop_dead.py` does so while a picture's network is a `Graph`; this is for graphs that are
put together as ONNX's own messages.
"""

from __future__ import annotations

import onnx

__all__ = ["drop_unread", "graphs_inside"]


def drop_unread(graph: onnx.GraphProto) -> None:
    """Drop nodes, constants and declared values that no output depends on.

    Args:
        graph: The graph, with its nodes in the order in which they compute.
    """
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed |= _reads(node)
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    declared = [value for value in graph.value_info if value.name in needed]
    for field, left in (
        (graph.node, kept[::-1]),
        (graph.initializer, weights),
        (graph.value_info, declared),
    ):
        del field[:]
        field.extend(left)


def graphs_inside(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """Return the graphs that a node holds, as those of an `If`."""
    return [one.g for one in node.attribute if one.HasField("g")]


def _reads(node: onnx.NodeProto) -> set[str]:
    found = set(node.input)
    for graph in graphs_inside(node):
        found |= {value.name for value in graph.output}
        for inner in graph.node:
            found |= _reads(inner)
    return found
