"""Folds a scale and shift in front of a convolution into its weights."""

from __future__ import annotations

import numpy as np

from edgefeat_export.arrays import Array
from edgefeat_export.graph.affine import read_affine
from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.linear import Parameters, read_parameters, rebuild

__all__ = ["fold_affine_before"]


def fold_affine_before(graph: Graph) -> None:
    """Multiply the weights by the scale; add what the weights make of the shift to the bias.

    Before::

        x: (n, 3, 8, 8)
        w: weight(4, 3, 3, 3)
        gamma: weight(3)
        beta: weight(3)
        mean: weight(3)
        variance: weight(3)
        a = BatchNormalization(x, gamma, beta, mean, variance)
        y = Conv(a, w, pads=[0, 0, 0, 0])

    After::

        y = Conv(x, scaled_w, bias, pads=[0, 0, 0, 0])

    A shift cannot be folded into a padded convolution: at the border the convolution would have to
    see another padding than zero. There the scale alone is folded, and shift / scale stays as an
    Add, unless a scale is zero. Nothing else may read what goes into the convolution.
    """
    for conv in graph.find("Conv"):
        node = graph.producer(conv.inputs[0])
        affine = read_affine(graph, node) if node is not None else None
        if node is None or affine is None or graph.sole_user(node.out) is not conv:
            continue
        old = read_parameters(graph, conv)
        if old is None:
            continue
        groups = conv.attrs.get("group", 1)
        channels = old.weight.shape[1] * groups
        scale = np.broadcast_to(affine.scale, (channels,))
        shift = np.broadcast_to(affine.shift, (channels,))
        source = affine.source
        if shift.any() and any(conv.attrs.get("pads", [0])):
            if (scale == 1).all() or not scale.all():
                continue
            spatial = [1] * (old.weight.ndim - 2)
            offset = (shift / scale).astype(np.float32).reshape(1, -1, *spatial)
            source = graph.add("Add", [source, graph.constant(offset)]).out
            shift = np.zeros(channels)
        graph.rewire(conv, [source, *conv.inputs[1:]])
        rebuild(graph, conv, conv, _folded(old, scale, shift, groups))


def _folded(old: Parameters, scale: Array, shift: Array, groups: int) -> Parameters:
    """Return the parameters that give the same on x as the old ones on x * scale + shift."""
    grouped = old.weight.reshape(groups, -1, *old.weight.shape[1:])  # groups, outputs, inputs, ...
    spatial = [1] * (old.weight.ndim - 2)
    scale, shift = (numbers.reshape(groups, 1, -1, *spatial) for numbers in (scale, shift))
    axes_of_inputs = tuple(range(2, grouped.ndim))
    return Parameters(
        weight=(grouped * scale).reshape(old.weight.shape),
        bias=old.bias + (grouped * shift).sum(axes_of_inputs).reshape(-1),
    )
