"""Reads how much an operator pads, and with what."""

from __future__ import annotations

import numpy as np

from edgefeat_export.graph.graph import Graph, Node

__all__ = ["WINDOW_OPS", "auto_pad", "fill_of", "zeros_around"]

WINDOW_OPS = ("Conv", "MaxPool", "AveragePool")
"""Operators that move a window over a map and can pad it."""


def zeros_around(graph: Graph, pad: Node) -> list[int] | None:
    """Return how many rows and columns of zeros a Pad puts around a map (batch, channels, ...).

    Returns:
        [top, left, bottom, right]; None if the Pad does anything else too.
    """
    amounts, fill = graph.value(pad.inputs[1]), fill_of(graph, pad)
    constant = _text(pad.attrs.get("mode", "constant")) == "constant"
    if amounts is None or amounts.size != 8 or fill is None or fill.any() or not constant:
        return None
    n0, c0, top, left, n1, c1, bottom, right = (int(a) for a in amounts)
    if n0 or c0 or n1 or c1 or min(top, left, bottom, right) < 0:
        return None
    return [top, left, bottom, right]


def fill_of(graph: Graph, pad: Node) -> np.ndarray | None:
    """Return the constant that a Pad fills with; None if it is computed."""
    if len(pad.inputs) > 2 and pad.inputs[2]:
        return graph.value(pad.inputs[2])
    return np.zeros(())


def auto_pad(node: Node) -> str:
    """Return the automatic padding of a window operator; "NOTSET" if it has numbers."""
    return _text(node.attrs.get("auto_pad", "NOTSET"))


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
