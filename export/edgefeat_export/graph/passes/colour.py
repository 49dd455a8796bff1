"""Channel order of the picture, folded into the first convolution's weights."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph

__all__ = ["fold_channel_order"]


def fold_channel_order(graph: Graph) -> None:
    """Reordering a convolution's input channels is reordering its weights the other way."""
    for conv in graph.find("Conv"):
        gather = graph.producer(conv.inputs[0])
        weight = graph.value(conv.inputs[1])
        if gather is None or gather.op != "Gather" or weight is None:
            continue
        order = graph.value(gather.inputs[1])
        if order is None or gather.attrs.get("axis", 0) != 1 or conv.attrs.get("group", 1) != 1:
            continue
        if sorted(order.tolist()) != list(range(weight.shape[1])):
            continue
        reordered = graph.constant(np.ascontiguousarray(weight[:, np.argsort(order)]))
        inputs = [gather.inputs[0], reordered, *conv.inputs[2:]]
        graph.replace(conv, graph.add("Conv", inputs, **conv.attrs).out)
