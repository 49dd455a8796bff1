"""Takes the order of the picture's channels into the first convolution's weights."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.matching import Constant, Tensor, op, search

__all__ = ["fold_channel_order"]


def fold_channel_order(graph: Graph) -> None:
    """Reorder a convolution's weights instead of its input's channels.

    Before::

        x: (n, 3, 8, 8)
        w: weight(4, 3, 3, 3)
        bgr = Gather(x, [2, 1, 0], axis=1)
        y = Conv(bgr, w)

    After::

        y = Conv(x, reordered_w)
    """
    picture, order, weight = Tensor(), Constant(), Constant()
    reordered = op.Gather(picture, order).where(_is_along_channels)
    conv = op.Conv(reordered, weight).where(_is_ungrouped)
    for node, found in search(graph, conv):
        channels, kernel = found.array(order), found.array(weight)
        if sorted(channels.tolist()) != list(range(kernel.shape[1])):
            continue
        back = graph.constant(np.ascontiguousarray(kernel[:, np.argsort(channels)]))
        inputs = [found.tensor(picture), back, *node.inputs[2:]]
        graph.replace(node, graph.add("Conv", inputs, **node.attrs).out)


def _is_along_channels(_: Graph, gather: Node) -> bool:
    return bool(gather.attrs.get("axis", 0) == 1)


def _is_ungrouped(_: Graph, conv: Node) -> bool:
    return bool(conv.attrs.get("group", 1) == 1)
