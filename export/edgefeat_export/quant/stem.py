"""Rewrites the first convolution for integer kernels, which want input channels in fours.

A picture has three channels. Four pixels beside each other, taken as one, have twelve.
"""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import readers
from edgefeat_export.quant.fold import (
    fold_constants,
    folded_kernel,
    integers,
    is_quantized,
    reshape,
    reshaped,
)

__all__ = ["fold_stem"]

_PIXELS_IN_ONE = 4
_COLOURS = 3
_STRIDE = 2  # with a stride of 1 the folded kernel would multiply by zero three times out of four


def fold_stem(graph: Graph) -> bool:
    """Let the first convolution of a quantized graph read four pixels of a row as one.

    Before::

        (n, h, w, 3) -> Transpose -> DequantizeLinear -> Conv, c outputs, stride 2
            -> QuantizeLinear

    After::

        (n, h, w, 3) -> Reshape (n, h, w / 4, 12) -> Transpose -> DequantizeLinear
            -> Conv, 2 c outputs, stride 2 down and 1 across -> QuantizeLinear
            -> Reshape (n, h / 2, w / 2, c)

    Returns:
        Whether the graph begins with a convolution that gains from it.
    """
    stem = _stem(graph)
    if stem is None:
        return False
    transpose, conv = stem
    (info,) = graph.inputs
    height, width, colours = (side.dim_value for side in info.type.tensor_type.shape.dim[1:])
    rows = (graph.shape(conv.out) or (0, 0, 0))[2] or 0  # asked before anything changes
    weight, columns = integers(graph, conv)[0], _columns(graph, conv, width)
    pads = list(conv.attrs.get("pads", (0, 0, 0, 0)))
    folded, before = folded_kernel(weight, pads[1], _STRIDE, _PIXELS_IN_ONE)
    pads[1], pads[3] = before, folded.shape[3] - 1 - before
    shape = (-1, height, width // _PIXELS_IN_ONE, _PIXELS_IN_ONE * colours)
    graph.rewire(transpose, [reshape(graph, info.name, shape)])
    fold_constants(graph, conv, folded, _PIXELS_IN_ONE // _STRIDE)
    conv.attrs |= {
        "kernel_shape": list(folded.shape[2:]),
        "pads": pads,
        "strides": [conv.attrs["strides"][0], 1],
    }
    quantize = graph.users(conv.out)[0]
    reader = graph.users(quantize.out)[0]
    unfolded = reshaped(graph, quantize.out, (rows, columns, weight.shape[0]))
    graph.rewire(reader, [unfolded, *reader.inputs[1:]])
    return True


def _stem(graph: Graph) -> tuple[Node, Node] | None:
    """Return the Transpose and the convolution at the start; None if folding them gains nothing."""
    (info,) = graph.inputs
    found = readers(graph, info.name, "Transpose", "DequantizeLinear", "Conv")
    if found is None:
        return None
    transpose, _, conv = found
    width, colours = (side.dim_value for side in info.type.tensor_type.shape.dim[2:])
    if not is_quantized(graph, conv) or colours != _COLOURS or width % _PIXELS_IN_ONE:
        return None
    if not _has_plain_stride_two(conv) or _columns(graph, conv, width) != width // _STRIDE:
        return None
    return transpose, conv


def _has_plain_stride_two(conv: Node) -> bool:
    groups, strides = conv.attrs.get("group", 1), conv.attrs.get("strides", (1, 1))
    dilations = set(conv.attrs.get("dilations", (1, 1)))
    return bool(groups == 1 and dilations == {1} and strides[1] == _STRIDE)


def _columns(graph: Graph, conv: Node, width: int) -> int:
    """Return how many columns a convolution with stride 2 makes of so many."""
    left, right = conv.attrs.get("pads", (0, 0, 0, 0))[1::2]
    taps = int(integers(graph, conv)[0].shape[3])
    return (width + int(left) + int(right) - taps) // _STRIDE + 1
