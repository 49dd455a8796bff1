"""Takes pixels beside each other as one with more channels: a reshape that moves nothing.

A convolution over such groups makes the outputs of a whole group at once, from the same integers.
The result is the same bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.layout_rules import TO_FIRST, TO_LAST

__all__ = ["fold_constants", "folded_kernel", "integers", "is_quantized", "reshape", "reshaped"]

Integers = NDArray[np.generic]


def folded_kernel(weight: Integers, left: int, stride: int, fold: int) -> tuple[Integers, int]:
    """Spread a kernel over groups of pixels.

    Args:
        weight: The kernel, (outputs, channels, rows, columns).
        left: Columns that are padded on the left.
        stride: Columns that the kernel moves by.
        fold: Pixels of a group.

    Returns:
        The folded kernel, (fold / stride * outputs, fold * channels, rows, groups), and how many
        of the groups it covers lie left of the group whose outputs it makes.
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
    """Return weight, its scale and zeros, bias, its scale and zeros; [] if both are in float."""
    nodes = [graph.producer(name) for name in conv.inputs[1:3]]
    return [graph.constants[source] for node in nodes if node is not None for source in node.inputs]


def is_quantized(graph: Graph, conv: Node) -> bool:
    """Tell whether both weight and bias of a convolution are integers."""
    return None not in [graph.producer(name) for name in conv.inputs[1:3]]


def fold_constants(graph: Graph, conv: Node, kernel: Integers, outputs: int) -> None:
    """Give a convolution its folded kernel, and repeat what it has per channel.

    Args:
        graph: Graph to change.
        conv: A quantized convolution.
        kernel: The folded kernel.
        outputs: Pixels whose outputs it makes at once: how often scales and biases are repeated.
    """
    for_each = [np.tile(array, outputs) for array in integers(graph, conv)[1:]]
    names = [graph.constant(array) for array in (kernel, *for_each)]
    for name, start in ((conv.inputs[1], 0), (conv.inputs[2], 3)):
        node = graph.producer(name)
        if node is not None:
            graph.rewire(node, names[start : start + 3])


def reshaped(graph: Graph, levels: str, shape: tuple[int, int, int]) -> str:
    """Reshape an NCHW map as if its channels came last, which moves no byte.

    Args:
        graph: Graph to change.
        levels: Name of the map.
        shape: New height, width and channels.

    Returns:
        Name of the reshaped map, NCHW.
    """
    last = graph.add("Transpose", [levels], perm=TO_LAST)
    return graph.add("Transpose", [reshape(graph, last.out, (-1, *shape))], perm=TO_FIRST).out


def reshape(graph: Graph, tensor: str, shape: tuple[Any, ...]) -> str:
    """Add a Reshape.

    Args:
        graph: Graph to change.
        tensor: Name of the tensor to reshape.
        shape: New shape; -1 for the batch.

    Returns:
        Name of the reshaped tensor.
    """
    return graph.add("Reshape", [tensor, graph.constant(np.array(shape, np.int64))]).out
