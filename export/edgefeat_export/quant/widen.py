"""Pads narrow depthwise convolutions with zero channels: the integer kernels come in sixteens."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import Tensor, match, op, readers

__all__ = ["widen_depthwise"]

_CHANNELS_AT_ONCE = 16
_FEWEST_CHANNELS = 8  # with fewer, more than half the work would be on zeros

_BEFORE = op.Conv(Tensor()).unshared()
_DEPTHWISE = op.Conv(op.DequantizeLinear(op.QuantizeLinear(_BEFORE).unshared()).unshared())


def widen_depthwise(graph: Graph) -> int:
    """Pad every depthwise convolution between two full ones to a multiple of sixteen channels.

    Before::

        Conv, 24 outputs -> bytes -> Conv, 24 groups -> bytes -> Conv, 24 inputs

    After::

        Conv, 32 outputs -> bytes -> Conv, 32 groups -> bytes -> Conv, 32 inputs

    The eight channels more are zero, and the last convolution multiplies them by zero.

    Returns:
        How many were padded.
    """
    return sum(_widen(graph, node) for node in graph.find("Conv"))


def _widen(graph: Graph, conv: Node) -> bool:
    channels = conv.attrs.get("group", 1)
    extra = -channels % _CHANNELS_AT_ONCE
    if not extra or channels < _FEWEST_CHANNELS:
        return False
    before, after = _before(graph, conv), _after(graph, conv)
    if before is None or after is None:
        return False
    makers = [_dequantizers(graph, before), _dequantizers(graph, conv)]
    reader = _dequantizers(graph, after)
    if reader is None or None in makers:
        return False
    for node, parts in zip((before, conv), makers, strict=True):
        if parts is not None:
            weight, bias = parts
            _pad_outputs(graph, weight, extra, scale=1.0)
            _pad_outputs(graph, bias, extra, scale=_scale_of_input(graph, node))
    _pad_inputs(graph, reader[0], extra)
    conv.attrs["group"] = channels + extra
    return True


def _before(graph: Graph, conv: Node) -> Node | None:
    """Return the full convolution whose bytes this one alone reads."""
    found = match(graph, conv, _DEPTHWISE)
    return _if_full(found.node(_BEFORE)) if found is not None else None


def _after(graph: Graph, conv: Node) -> Node | None:
    """Return the full convolution that alone reads what this one gives, in bytes."""
    found = readers(graph, conv.out, "QuantizeLinear", "DequantizeLinear", "Conv")
    return _if_full(found[-1]) if found is not None else None


def _if_full(conv: Node) -> Node | None:
    return conv if conv.attrs.get("group", 1) == 1 else None


def _dequantizers(graph: Graph, conv: Node) -> tuple[Node, Node] | None:
    """Return the nodes that dequantize weight and bias; None if one of these is in float."""
    weight, bias = (graph.producer(name) for name in conv.inputs[1:3])
    return None if weight is None or bias is None else (weight, bias)


def _scale_of_input(graph: Graph, conv: Node) -> float:
    """Return the scale of the bytes that a convolution reads."""
    source = graph.producer(conv.inputs[0])
    return 1.0 if source is None else float(graph.constants[source.inputs[1]])


def _pad_outputs(graph: Graph, dequantize: Node, extra: int, *, scale: float) -> None:
    """Append zeros for more output channels to a quantized constant, with this scale.

    ONNX Runtime fuses a bias only if its scale is weight scale times input scale. The appended
    weights have a scale of 1, so the appended biases must have that of the input.
    """
    names = []
    for index, name in enumerate(dequantize.inputs):
        array = graph.constants[name]
        widths = [(0, extra if axis == 0 else 0) for axis in range(array.ndim)]
        filling = np.asarray(scale if index == 1 else 0, array.dtype)
        names.append(graph.constant(np.pad(array, widths, constant_values=filling)))
    graph.rewire(dequantize, names)


def _pad_inputs(graph: Graph, dequantize: Node, extra: int) -> None:
    """Append zeros for more input channels to a quantized weight."""
    array = graph.constants[dequantize.inputs[0]]
    padded = graph.constant(np.pad(array, [(0, 0), (0, extra), (0, 0), (0, 0)]))
    graph.rewire(dequantize, [padded, *dequantize.inputs[1:]])
