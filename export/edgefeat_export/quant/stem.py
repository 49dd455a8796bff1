"""Rewrites the first convolution for integer kernels, which want input channels in fours.

Four pixels of three channels become one of twelve.
"""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.quant.fold import fold_constants, folded_kernel, integers, reshape, reshaped

__all__ = ["fold_stem"]

_FOLD = 4


def fold_stem(graph: Graph) -> bool:
    """Fold the stem of a quantized graph; return whether it had one that gains from it."""
    found = _stem(graph)
    if found is None:
        return False
    first, _, conv = found
    (info,) = graph.inputs
    height = (graph.shape(conv.out) or (0, 0, 0))[2] or 0  # asked before anything changes
    sides = [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]
    weight = integers(graph, conv)[0]
    left, right = conv.attrs.get("pads", (0, 0, 0, 0))[1::2]
    stride = conv.attrs["strides"][1]
    columns = (sides[1] + left + right - weight.shape[3]) // stride + 1
    folded, before = folded_kernel(weight, left, stride, _FOLD)
    after = folded.shape[3] - 1 - before
    picture = reshape(graph, info.name, (-1, sides[0], sides[1] // _FOLD, _FOLD * sides[2]))
    graph.rewire(first, [picture])
    fold_constants(graph, conv, folded, _FOLD // stride)
    pads = list(conv.attrs.get("pads", (0, 0, 0, 0)))
    pads[1], pads[3] = before, after
    conv.attrs |= {
        "kernel_shape": list(folded.shape[2:]),
        "pads": pads,
        "strides": [conv.attrs["strides"][0], 1],
    }
    quantize = graph.users(conv.out)[0]
    old = graph.users(quantize.out)[0]
    unfolded = reshaped(graph, quantize.out, (height, columns, weight.shape[0]))
    graph.rewire(old, [unfolded, *old.inputs[1:]])
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
    weight = integers(graph, conv)[0]
    plain = conv.attrs.get("group", 1) == 1 and not any(
        d != 1 for d in conv.attrs.get("dilations", (1, 1))
    )
    # With a stride of one the folded kernel would multiply by zero three times out of four.
    halving = conv.attrs.get("strides", (1, 1))[1] == 2
    left, right = conv.attrs.get("pads", (0, 0, 0, 0))[1::2]
    even = (width + left + right - weight.shape[3]) // 2 + 1 == width // 2
    fits = plain and halving and even and width % _FOLD == 0 and channels == 3
    return (first, real, conv) if fits else None
