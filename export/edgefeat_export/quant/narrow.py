"""Rewrites depthwise convolutions of eight channels as full ones over pairs of pixels.

The integer kernels for depthwise convolutions come in sixteens. Two pixels beside each other have
sixteen channels, and a full convolution whose kernel is mostly zeros treats them as one. The
integer kernels for full convolutions are so much faster that this pays. The pointwise convolution
behind it is folded alike before the pixels part again.
"""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import readers
from edgefeat_export.quant.fold import fold_constants, folded_kernel, integers, reshaped

__all__ = ["fold_narrow"]

_PIXELS_IN_ONE, _CHANNELS = 2, 8


def fold_narrow(graph: Graph) -> int:
    """Fold every depthwise convolution of eight channels with a pointwise one behind it.

    Before::

        (n, 8, h, w) -> DequantizeLinear -> Conv, 8 groups -> QuantizeLinear -> DequantizeLinear
            -> Conv 1x1, c outputs -> QuantizeLinear

    After::

        (n, 8, h, w) -> reshaped (n, 16, h, w / 2) -> DequantizeLinear -> Conv, 1 group
            -> QuantizeLinear -> DequantizeLinear -> Conv 1x1, 2 c outputs -> QuantizeLinear
            -> reshaped (n, c, h, w)

    Returns:
        How many were folded.
    """
    return sum(_fold(graph, node) for node in graph.find("Conv"))


def _fold(graph: Graph, conv: Node) -> bool:
    point, shape = _pointwise_after(graph, conv), graph.shape(conv.out)
    if point is None or shape is None or not _fits(graph, conv, shape):
        return False
    height, width = int(shape[2] or 0), int(shape[3] or 0)
    source = graph.producer(conv.inputs[0])
    if source is None or source.op != "DequantizeLinear" or graph.sole_user(source.out) is None:
        return False
    pads = list(conv.attrs.get("pads", (0, 0, 0, 0)))
    depthwise, outputs = integers(graph, conv)[0], integers(graph, point)[0].shape[0]
    full = np.zeros((_CHANNELS, _CHANNELS, *depthwise.shape[2:]), depthwise.dtype)
    full[np.arange(_CHANNELS), np.arange(_CHANNELS)] = depthwise[:, 0]
    kernel, before = folded_kernel(full, pads[1], 1, _PIXELS_IN_ONE)
    pads[1], pads[3] = before, kernel.shape[3] - 1 - before
    pairs = (height, width // _PIXELS_IN_ONE, _PIXELS_IN_ONE * _CHANNELS)
    folded = reshaped(graph, source.inputs[0], pairs)
    graph.rewire(source, [folded, *source.inputs[1:]])
    fold_constants(graph, conv, kernel, _PIXELS_IN_ONE)
    conv.attrs |= {"group": 1, "pads": pads, "kernel_shape": list(kernel.shape[2:])}
    pointwise, _ = folded_kernel(integers(graph, point)[0], 0, 1, _PIXELS_IN_ONE)
    fold_constants(graph, point, pointwise, _PIXELS_IN_ONE)
    quantize = graph.users(point.out)[0]
    old_readers = graph.users(quantize.out)
    parted = reshaped(graph, quantize.out, (height, width, outputs))
    for reader in old_readers:
        graph.rewire(reader, [parted, *reader.inputs[1:]])
    return True


def _fits(graph: Graph, conv: Node, shape: tuple[int | None, ...]) -> bool:
    """Tell whether a convolution has eight channels and keeps height and width.

    Args:
        graph: The graph of the convolution.
        conv: The convolution.
        shape: Shape of its output.
    """
    weight = integers(graph, conv)[:1]
    if conv.attrs.get("group", 1) != _CHANNELS or not weight or weight[0].shape[0] != _CHANNELS:
        return False
    plain = set(conv.attrs.get("strides", (1, 1))) | set(conv.attrs.get("dilations", (1, 1))) == {1}
    top, left, bottom, right = conv.attrs.get("pads", (0, 0, 0, 0))
    rows, columns = weight[0].shape[2:]
    same = top + bottom == rows - 1 and left + right == columns - 1
    return plain and same and None not in shape[2:] and int(shape[3] or 1) % _PIXELS_IN_ONE == 0


def _pointwise_after(graph: Graph, conv: Node) -> Node | None:
    """Return the pointwise convolution that alone reads what another one gives, in bytes."""
    found = readers(graph, conv.out, "QuantizeLinear", "DequantizeLinear", "Conv", "QuantizeLinear")
    point = found[2] if found is not None else None
    if point is None or not integers(graph, point):
        return None
    sides = integers(graph, point)[0].shape[2:]
    plain = point.attrs.get("group", 1) == 1 and set(point.attrs.get("strides", (1, 1))) == {1}
    return point if plain and sides == (1, 1) and not any(point.attrs.get("pads", ())) else None
