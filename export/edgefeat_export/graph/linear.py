"""Reads the weights of a convolution or Gemm, and rebuilds it with others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgefeat_export.arrays import Array
from edgefeat_export.graph.graph import Graph, Node

__all__ = ["LINEAR_OPS", "Parameters", "read_parameters", "rebuild"]

LINEAR_OPS = ("Conv", "Gemm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """Weights and bias of a convolution or Gemm.

    Attributes:
        weight: Float64 (outputs, inputs) of a Gemm, (outputs, inputs per group, height, width) of a
            convolution.
        bias: Float64 (outputs,); zeros if the operator has none.
    """

    weight: Array
    bias: Array


def read_parameters(graph: Graph, linear: Node) -> Parameters | None:
    """Return the parameters of a Conv or Gemm; None if they are computed or a Gemm does more."""
    weight = graph.value(linear.inputs[1])
    if weight is None or (linear.op == "Gemm" and not _is_plain_gemm(linear)):
        return None
    if linear.op == "Gemm" and not linear.attrs.get("transB", 0):
        weight = weight.T
    if len(linear.inputs) < 3:
        return Parameters(weight=weight.astype(np.float64), bias=np.zeros(len(weight)))
    bias = graph.value(linear.inputs[2])
    if bias is None or bias.size not in (1, len(weight)):
        return None
    full = np.broadcast_to(bias.astype(np.float64).reshape(-1), (len(weight),))
    return Parameters(weight=weight.astype(np.float64), bias=full)


def rebuild(graph: Graph, linear: Node, last: Node, parameters: Parameters) -> None:
    """Put a Conv or Gemm with new parameters in the place of everything from `linear` to `last`.

    Args:
        graph: Graph to change.
        linear: The Conv or Gemm that is replaced.
        last: The node whose output the new operator makes; `linear` itself or the node behind it.
        parameters: The new weights and bias; they are stored as float32.
    """
    attrs = {"transB": 1} if linear.op == "Gemm" else dict(linear.attrs)
    inputs = [linear.inputs[0], graph.constant(parameters.weight.astype(np.float32))]
    if parameters.bias.any() or len(linear.inputs) > 2:
        inputs.append(graph.constant(parameters.bias.astype(np.float32)))
    graph.replace(last, graph.add(linear.op, inputs, **attrs).out)
    if last is not linear:
        graph.remove(linear)


def _is_plain_gemm(node: Node) -> bool:
    ones = node.attrs.get("alpha", 1.0) == 1.0 and node.attrs.get("beta", 1.0) == 1.0
    return ones and not node.attrs.get("transA", 0)
