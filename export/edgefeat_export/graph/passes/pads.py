"""Padding: explicit numbers on every window operator, and separate Pad nodes merged into them."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgefeat_export.graph.graph import Array, Graph, Node

__all__ = ["guard_pads", "make_pads_explicit", "merge_pads"]

_NON_NEGATIVE = {"Relu", "Sigmoid", "HardSigmoid", "Softplus"}


def make_pads_explicit(graph: Graph) -> None:
    """Write TensorFlow's SAME as the numbers it stands for, so that passes can add to them."""
    for node in graph.find("Conv", "MaxPool", "AveragePool"):
        mode = _text(node.attrs.get("auto_pad", "NOTSET"))
        if mode == "NOTSET" and "pads" in node.attrs and "auto_pad" not in node.attrs:
            continue
        pads = _pads_of(graph, node, mode)
        if pads is not None:
            attrs = {k: v for k, v in node.attrs.items() if k != "auto_pad"}
            new = graph.add(node.op, node.inputs, **{**attrs, "pads": pads})
            graph.replace(node, new.out)


def merge_pads(graph: Graph) -> None:
    """Let the window operator pad by itself wherever that gives the same numbers."""
    for node in graph.find("Conv", "MaxPool", "AveragePool"):
        pad = graph.producer(node.inputs[0])
        if pad is None or pad.op != "Pad" or "pads" not in node.attrs:
            continue
        extra = _spatial_zeros(graph, pad)
        if extra is None or not _same_after_merge(graph, node, pad):
            continue
        attrs: dict[str, Any] = {**node.attrs}
        attrs["pads"] = [a + b for a, b in zip(node.attrs["pads"], extra, strict=True)]
        if node.op == "AveragePool":
            attrs["count_include_pad"] = 1
        new = graph.add(node.op, [pad.inputs[0], *node.inputs[1:]], **attrs)
        graph.replace(node, new.out)


def guard_pads(graph: Graph) -> None:
    """Fill with -0.0 where a Pad with zeros must stay in front of a pool.

    onnxruntime merges such a Pad as if pools padded with zeros, whatever the sign of the input
    (`Pad_Fusion`, until 1.31: ResNetV2's features come out wrong by 0.7 %). It leaves the Pad
    alone when any byte of the fill is set, and -0.0 compares and averages exactly like 0.0.
    """
    for node in graph.find("MaxPool", "AveragePool"):
        pad = graph.producer(node.inputs[0])
        if pad is None or pad.op != "Pad" or _spatial_zeros(graph, pad) is None:
            continue
        fill = graph.value(pad.inputs[2]) if len(pad.inputs) > 2 and pad.inputs[2] else None
        if fill is None or not np.signbit(fill).all():
            minus_zero = graph.constant(np.array(-0.0, np.float32))
            graph.replace(pad, graph.add("Pad", [*pad.inputs[:2], minus_zero], **pad.attrs).out)


def _same_after_merge(graph: Graph, node: Node, pad: Node) -> bool:
    if node.op == "Conv":
        return True
    if node.op == "AveragePool":  # zeros of the Pad count, those of the pool itself may not
        return not any(node.attrs["pads"]) or node.attrs.get("count_include_pad", 0) == 1
    # A MaxPool pads with minus infinity: the same as zero only if no window can lose to the zero,
    # which needs inputs >= 0 and at least one of them in every window.
    kernel, extra = node.attrs["kernel_shape"], _spatial_zeros(graph, pad) or [0] * 4
    inside = all(extra[i] < kernel[i % 2] for i in range(4))
    return inside and not any(node.attrs["pads"]) and _is_non_negative(graph, pad.inputs[0])


def _is_non_negative(graph: Graph, name: str) -> bool:
    node = graph.producer(name)
    if node is None:
        return False
    if node.op == "Clip":
        low = graph.value(node.inputs[1]) if len(node.inputs) > 1 else None
        return low is not None and bool(np.all(low >= 0))
    return node.op in _NON_NEGATIVE


def _spatial_zeros(graph: Graph, pad: Node) -> list[int] | None:
    """[top, left, bottom, right] of a Pad with zeros on height and width only; else None."""
    amounts: Array | None = graph.value(pad.inputs[1])
    fill = graph.value(pad.inputs[2]) if len(pad.inputs) > 2 and pad.inputs[2] else np.zeros(())
    constant = _text(pad.attrs.get("mode", "constant")) == "constant"
    if amounts is None or amounts.size != 8 or fill is None or fill.any() or not constant:
        return None
    n0, c0, top, left, n1, c1, bottom, right = (int(a) for a in amounts)
    if n0 or c0 or n1 or c1 or min(top, left, bottom, right) < 0:
        return None
    return [top, left, bottom, right]


def _pads_of(graph: Graph, node: Node, mode: str) -> list[int] | None:
    if mode == "NOTSET":
        return list(node.attrs.get("pads", [0] * 4))
    if mode == "VALID":
        return [0] * 4
    shape, window = graph.shape(node.inputs[0]), _window(graph, node)
    if shape is None or len(shape) != 4 or window is None:
        return None
    before, after = [], []
    for axis in range(2):
        size = shape[2 + axis]
        if size is None:
            return None
        stride = node.attrs.get("strides", [1, 1])[axis]
        reach = (window[axis] - 1) * node.attrs.get("dilations", [1, 1])[axis] + 1
        total = max(((size + stride - 1) // stride - 1) * stride + reach - size, 0)
        small, large = total // 2, total - total // 2
        before.append(small if mode == "SAME_UPPER" else large)
        after.append(large if mode == "SAME_UPPER" else small)
    return before + after


def _window(graph: Graph, node: Node) -> list[int] | None:
    if "kernel_shape" in node.attrs:
        return list(node.attrs["kernel_shape"])
    weight = graph.value(node.inputs[1]) if node.op == "Conv" else None
    return list(weight.shape[2:]) if weight is not None else None


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
