"""Pixels beside each other taken as one with more channels: a reshape that moves nothing.

A convolution over such groups makes the outputs of a whole group at once, from the same integers:
bit for bit the same result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["fold_constants", "folded_kernel", "integers", "reshape", "reshaped"]

_FROM_LAST, _TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
Integers = NDArray[np.generic]


def folded_kernel(weight: Integers, left: int, stride: int, fold: int) -> tuple[Integers, int]:
    """Spread a kernel over groups of pixels; return it and how many groups lie before.

    Its shape is `(fold / stride * out, fold * in, rows, groups)`.
    """
    out, channels, rows, width = weight.shape
    outputs = fold // stride
    before = -(-left // fold)
    reach = (outputs - 1) * stride - left + width - 1
    groups = before + reach // fold + 1
    folded = np.zeros((outputs, out, fold, channels, rows, groups), weight.dtype)
    for which in range(outputs):
        for tap in range(width):
            pixel = which * stride - left + tap + before * fold
            folded[which, :, pixel % fold, :, :, pixel // fold] = weight[:, :, :, tap]
    return folded.reshape(outputs * out, fold * channels, rows, groups), before


def integers(graph: Graph, conv: Node) -> list[Integers]:
    """Weight, its scale and zeros, bias, its scale and zeros; empty where it is in float."""
    nodes = [graph.producer(name) for name in conv.inputs[1:3]]
    return [graph.constants[source] for node in nodes if node is not None for source in node.inputs]


def fold_constants(graph: Graph, conv: Node, kernel: Integers, outputs: int) -> None:
    """Give a convolution its folded kernel, and everything per channel once for each output."""
    for_each = [np.tile(array, outputs) for array in integers(graph, conv)[1:]]
    names = [graph.constant(array) for array in (kernel, *for_each)]
    for name, start in ((conv.inputs[1], 0), (conv.inputs[2], 3)):
        node = graph.producer(name)
        if node is not None:
            graph.rewire(node, names[start : start + 3])


def reshaped(graph: Graph, levels: str, shape: tuple[int, int, int]) -> str:
    """Give bytes in channels-first order another (height, width, channels), moving none."""
    last = graph.add("Transpose", [levels], perm=_TO_LAST)
    return graph.add("Transpose", [reshape(graph, last.out, (-1, *shape))], perm=_FROM_LAST).out


def reshape(graph: Graph, tensor: str, shape: tuple[Any, ...]) -> str:
    """Add a reshape."""
    return graph.add("Reshape", [tensor, graph.constant(np.array(shape, np.int64))]).out
