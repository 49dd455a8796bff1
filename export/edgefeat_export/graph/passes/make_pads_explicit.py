"""Writes TensorFlow's automatic padding as numbers."""

from __future__ import annotations

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.padding import WINDOW_OPS, auto_pad

__all__ = ["make_pads_explicit"]


def make_pads_explicit(graph: Graph) -> None:
    """Write SAME and VALID as the numbers they stand for, so that `merge_pads` can add to them.

    Before::

        x: (n, 3, 8, 8)
        w: weight(4, 3, 3, 3)
        y = Conv(x, w, auto_pad="SAME_UPPER", strides=[2, 2])

    After::

        y = Conv(x, w, pads=[0, 0, 1, 1], strides=[2, 2])
    """
    for node in graph.find(*WINDOW_OPS):
        if "pads" in node.attrs and "auto_pad" not in node.attrs:
            continue
        pads = _pads_of(graph, node)
        if pads is not None:
            attrs = {k: v for k, v in node.attrs.items() if k != "auto_pad"}
            new = graph.add(node.op, node.inputs, **{**attrs, "pads": pads})
            graph.replace(node, new.out)


def _pads_of(graph: Graph, node: Node) -> list[int] | None:
    """Return [top, left, ..., bottom, right, ...] of an operator; None if sizes are unknown."""
    mode, window = auto_pad(node), _window(graph, node)
    if window is None:
        return None
    axes, ones = len(window), [1] * len(window)
    if mode == "NOTSET":
        return list(node.attrs.get("pads", [0] * 2 * axes))
    if mode == "VALID":
        return [0] * 2 * axes
    shape = graph.shape(node.inputs[0])
    if shape is None or len(shape) != 2 + axes:
        return None
    before, after = [], []
    for axis in range(axes):
        size = shape[2 + axis]
        if size is None:
            return None
        stride = node.attrs.get("strides", ones)[axis]
        reach = (window[axis] - 1) * node.attrs.get("dilations", ones)[axis] + 1
        total = max(((size + stride - 1) // stride - 1) * stride + reach - size, 0)
        small, large = total // 2, total - total // 2
        before.append(small if mode == "SAME_UPPER" else large)
        after.append(large if mode == "SAME_UPPER" else small)
    return before + after


def _window(graph: Graph, node: Node) -> list[int] | None:
    """Return the sides of the window, such as [height, width]; None if they are unknown."""
    if "kernel_shape" in node.attrs:
        return list(node.attrs["kernel_shape"])
    weight = graph.value(node.inputs[1]) if node.op == "Conv" else None
    return list(weight.shape[2:]) if weight is not None else None
