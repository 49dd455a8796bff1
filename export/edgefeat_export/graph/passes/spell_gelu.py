"""Writes the exact GELU in the one way that ONNX Runtime computes in one step."""

from __future__ import annotations

import math

import numpy as np

from edgefeat_export.graph.graph import Graph
from edgefeat_export.graph.matching import Tensor, op, search

__all__ = ["spell_gelu"]

_ROOT_OF_HALF = math.sqrt(0.5)


def spell_gelu(graph: Graph) -> None:
    """Write a GELU that is made of 1 - erf(-x / sqrt(2)) with 1 + erf(x / sqrt(2)).

    Before::

        x: (n, 4, 8, 8)
        a = Mul(x, 0.5)
        b = Neg(x)
        c = Mul(b, 0.70710678)
        d = Erf(c)
        e = Sub(1.0, d)
        y = Mul(a, e)

    After::

        a = Mul(x, 0.5)
        b = Div(x, 1.41421356)
        c = Erf(b)
        d = Add(c, 1.0)
        y = Mul(a, d)

    Keras makes the function of erfc, which `graph.own_translations` translates as 1 - erf.
    """
    x = Tensor()
    scaled = -x * _ROOT_OF_HALF | x * -_ROOT_OF_HALF
    gelu = (x * 0.5) * (1.0 - op.Erf(scaled))
    for last, found in search(graph, gelu):
        source = found.tensor(x)
        if graph.shape(last.out) != graph.shape(source):
            continue  # a constant of more axes than x has gives more axes to the result
        half = graph.add("Mul", [source, _number(graph, 0.5)])
        scaled_again = graph.add("Div", [source, _number(graph, math.sqrt(2))])
        erf = graph.add("Erf", [scaled_again.out])
        gate = graph.add("Add", [erf.out, _number(graph, 1.0)])
        graph.replace(last, graph.add("Mul", [half.out, gate.out]).out)


def _number(graph: Graph, value: float) -> str:
    return graph.constant(np.array(value, np.float32))
