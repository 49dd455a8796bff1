"""Rewrites the first convolution for integer kernels, which want input channels in fours.

Four pixels of three channels become one of twelve, a reshape that moves nothing. The convolution
then makes the outputs of one such group at once, from the same integers: bit for bit the same
result.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["fold_stem"]

_FOLD = 4
_FROM_LAST, _TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def fold_stem(graph: Graph) -> bool:
    """Fold the stem of a quantized graph; return whether it had one that gains from it."""
    found = _stem(graph)
    if found is None:
        return False
    first, _, conv = found
    (info,) = graph.inputs
    height = (graph.shape(conv.out) or (0, 0, 0))[2] or 0  # asked before anything changes
    sides = [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]
    weight, scale, zeros, bias, unit, bias_zeros = _integers(graph, conv)
    left, right = conv.attrs.get("pads", (0, 0, 0, 0))[1::2]
    stride = conv.attrs["strides"][1]
    outputs = _FOLD // stride
    columns = (sides[1] + left + right - weight.shape[3]) // stride + 1
    folded, before = _folded(weight, left, stride)
    after = folded.shape[3] - 1 - before
    picture = _reshape(graph, info.name, (-1, sides[0], sides[1] // _FOLD, _FOLD * sides[2]))
    graph.rewire(first, [picture])
    for_each = [np.tile(array, outputs) for array in (scale, zeros, bias, unit, bias_zeros)]
    weight_node, bias_node = (graph.producer(name) for name in conv.inputs[1:3])
    if weight_node is None or bias_node is None:
        return False
    names = [graph.constant(array) for array in (folded, *for_each)]
    graph.rewire(weight_node, names[:3])
    graph.rewire(bias_node, names[3:])
    pads = list(conv.attrs.get("pads", (0, 0, 0, 0)))
    pads[1], pads[3] = before, after
    conv.attrs |= {
        "kernel_shape": list(folded.shape[2:]),
        "pads": pads,
        "strides": [conv.attrs["strides"][0], 1],
    }
    _unfold(graph, conv, (height, columns, weight.shape[0]))
    return True


def _stem(graph: Graph) -> tuple[Node, Node, Node] | None:
    """The transpose, dequantization and convolution at the start, if the fold fits them."""
    (info,) = graph.inputs
    first = graph.sole_user(info.name)
    real = graph.sole_user(first.out) if first is not None else None
    conv = graph.sole_user(real.out) if real is not None else None
    if first is None or real is None or conv is None:
        return None
    if (first.op, real.op, conv.op) != ("Transpose", "DequantizeLinear", "Conv"):
        return None
    if None in (graph.producer(name) for name in conv.inputs[1:3]):  # kept in float
        return None
    dims = info.type.tensor_type.shape.dim
    width, channels = dims[2].dim_value, dims[3].dim_value
    weight = _integers(graph, conv)[0]
    plain = conv.attrs.get("group", 1) == 1 and not any(
        d != 1 for d in conv.attrs.get("dilations", (1, 1))
    )
    # With a stride of one the folded kernel would multiply by zero three times out of four.
    halving = conv.attrs.get("strides", (1, 1))[1] == 2
    left, right = conv.attrs.get("pads", (0, 0, 0, 0))[1::2]
    even = (width + left + right - weight.shape[3]) // 2 + 1 == width // 2
    fits = plain and halving and even and width % _FOLD == 0 and channels == 3
    return (first, real, conv) if fits else None


def _integers(graph: Graph, conv: Node) -> list[NDArray[np.generic]]:
    parts = []
    for name in conv.inputs[1:3]:
        node = graph.producer(name)
        parts += [graph.constants[source] for source in (node.inputs if node else ())]
    return parts


def _folded(weight: NDArray[np.generic], left: int, stride: int) -> tuple[NDArray[np.generic], int]:
    """Spread a kernel over groups of pixels; return it and how many groups lie before.

    Its shape is `(outputs * out, 4 * in, rows, groups)`.
    """
    out, channels, rows, width = weight.shape
    outputs = _FOLD // stride
    before = -(-left // _FOLD)
    reach = (outputs - 1) * stride - left + width - 1
    groups = before + reach // _FOLD + 1
    folded = np.zeros((outputs, out, _FOLD, channels, rows, groups), weight.dtype)
    for which in range(outputs):
        for tap in range(width):
            pixel = which * stride - left + tap + before * _FOLD
            folded[which, :, pixel % _FOLD, :, :, pixel // _FOLD] = weight[:, :, :, tap]
    return folded.reshape(outputs * out, _FOLD * channels, rows, groups), before


def _unfold(graph: Graph, conv: Node, shape: tuple[int, int, int]) -> None:
    """Take the outputs of a group apart again, on bytes."""
    quantize = graph.users(conv.out)[0]
    old = graph.users(quantize.out)[0]
    last = graph.add("Transpose", [quantize.out], perm=_TO_LAST)
    shaped = _reshape(graph, last.out, (-1, *shape))
    first = graph.add("Transpose", [shaped], perm=_FROM_LAST)
    graph.rewire(old, [first.out, *old.inputs[1:]])


def _reshape(graph: Graph, tensor: str, shape: tuple[int, ...]) -> str:
    return graph.add("Reshape", [tensor, graph.constant(np.array(shape, np.int64))]).out
