"""Makes one scale and shift of two in a row."""

from __future__ import annotations

import numpy as np

from edgefeat_export.arrays import Array
from edgefeat_export.graph.affine import AFFINE_OPS, ChannelAffine, read_affine
from edgefeat_export.graph.graph import Graph, Node

__all__ = ["merge_affine"]


def merge_affine(graph: Graph) -> None:
    """Compose them, and write the result as Mul, Add or else BatchNormalization.

    Before::

        x: (n, 3, 8, 8)
        one: weight(1, 3, 1, 1)
        two: weight(1, 3, 1, 1)
        a = Mul(x, one)
        y = Mul(a, two)

    After::

        y = Mul(x, product)

    Only on maps (batch, channels, height, width), and only where nothing else reads the first.
    """
    for second in graph.find(*AFFINE_OPS):
        outer = read_affine(graph, second)
        first = graph.producer(outer.source) if outer else None
        inner = read_affine(graph, first) if first is not None else None
        if outer is None or first is None or inner is None:
            continue
        if graph.sole_user(first.out) is not second:
            continue
        composed = ChannelAffine(
            source=inner.source,
            scale=inner.scale * outer.scale,
            shift=inner.shift * outer.scale + outer.shift,
        )
        new = _write(graph, composed)
        if new is not None:
            graph.replace(second, new.out)
            graph.remove(first)


def _write(graph: Graph, affine: ChannelAffine) -> Node | None:
    """Add the node that computes a scale and shift; None if its input is not a map."""
    shape = graph.shape(affine.source)
    if shape is None or len(shape) != 4 or shape[1] is None:
        return None
    if not affine.shift.any():
        return graph.add("Mul", [affine.source, _over_maps(graph, affine.scale)])
    if (affine.scale == 1).all():
        return graph.add("Add", [affine.source, _over_maps(graph, affine.shift)])
    gamma, beta, mean, variance = affine.scale, affine.shift, np.zeros(1), np.ones(1)
    names = [
        graph.constant(np.ascontiguousarray(np.broadcast_to(numbers, shape[1]), np.float32))
        for numbers in (gamma, beta, mean, variance)
    ]
    return graph.add("BatchNormalization", [affine.source, *names], epsilon=0.0)


def _over_maps(graph: Graph, numbers: Array) -> str:
    """Add a constant of one number per channel that broadcasts over a map."""
    return graph.constant(numbers.astype(np.float32).reshape(1, -1, 1, 1))
