"""Dense layers on vectors as Gemm, and a flattened map's order taken into their weights."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.layout_rules import is_to_last

__all__ = ["fold_flatten", "use_gemm"]


def use_gemm(graph: Graph) -> None:
    """A constant matrix times a batch of vectors is a Gemm, which has room for a bias."""
    for node in graph.find("MatMul"):
        shape, weight = graph.shape(node.inputs[0]), graph.value(node.inputs[1])
        if shape is None or len(shape) != 2 or weight is None or weight.ndim != 2:
            continue
        rows = graph.constant(np.ascontiguousarray(weight.T))
        graph.replace(node, graph.add("Gemm", [node.inputs[0], rows], transB=1).out)


def fold_flatten(graph: Graph) -> None:
    """Flatten in NHWC order, then Gemm: flatten the NCHW map, and reorder the columns instead."""
    for gemm in graph.find("Gemm"):
        flatten = graph.producer(gemm.inputs[0])
        transpose = _transpose_before(graph, flatten)
        weight = graph.value(gemm.inputs[1])
        if flatten is None or transpose is None or weight is None:
            continue
        shape = graph.shape(transpose.out)
        if gemm.attrs.get("transB", 0) != 1 or shape is None or None in shape[1:]:
            continue
        order = np.arange(weight.shape[1]).reshape([d for d in shape[1:] if d is not None])
        columns = graph.constant(np.ascontiguousarray(weight[:, order.transpose(2, 0, 1).ravel()]))
        flat = graph.add("Reshape", [transpose.inputs[0], flatten.inputs[1]])
        inputs = [flat.out, columns, *gemm.inputs[2:]]
        graph.replace(gemm, graph.add("Gemm", inputs, **gemm.attrs).out)


def _transpose_before(graph: Graph, flatten: Node | None) -> Node | None:
    """The "to NHWC" Transpose that a Reshape to one vector per picture reads."""
    if flatten is None or flatten.op != "Reshape":
        return None
    shape = graph.shape(flatten.out)
    transpose = graph.producer(flatten.inputs[0])
    if shape is None or len(shape) != 2 or shape[1] is None or transpose is None:
        return None
    before = graph.shape(transpose.out)
    whole = before is not None and len(before) == 4 and None not in before[1:]
    if not whole or not is_to_last(transpose) or before is None:
        return None
    return transpose if np.prod([d or 0 for d in before[1:]]) == shape[1] else None
