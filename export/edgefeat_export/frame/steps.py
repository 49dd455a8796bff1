"""Writes a graph step by step: each step names its result, each constant is kept once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

__all__ = ["Steps"]

_PREFIX = "frame/"


class Steps:
    """Nodes and constants in the order in which they run, all under a prefix of their own.

    Attributes:
        nodes: The nodes so far.
        constants: Constants that the nodes read.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(
        self, operation: str, inputs: Sequence[str], *, output: str | None = None, **attributes: Any
    ) -> str:
        """Append a node with one output.

        Args:
            operation: Name of an operator of the standard domain.
            inputs: Names of values or constants.
            output: The result's name; None makes one.
            attributes: The node's attributes.

        Returns:
            The result's name.
        """
        name = f"{_PREFIX}{len(self.nodes)}_{operation}"
        made = output or name
        self.nodes.append(helper.make_node(operation, inputs, [made], name=name, **attributes))
        return made

    def constant(self, value: NDArray[Any]) -> str:
        """Keep a constant of any type and shape; return its name."""
        name = f"{_PREFIX}constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def whole_numbers(self, *values: int) -> str:
        """Keep a row of int64, as shapes and axes are; return its name."""
        return self.constant(np.array(values, np.int64))

    def reshape(self, value: str, *shape: int) -> str:
        """Give a value another shape."""
        return self.add("Reshape", [value, self.whole_numbers(*shape)])

    def slice(self, value: str, axis: int, first: int, after: int) -> str:
        """Take a part of one axis.

        Args:
            value: Name of the value.
            axis: The axis.
            first: First place to take.
            after: Place behind the last one to take.
        """
        bounds = (self.whole_numbers(number) for number in (first, after, axis))
        return self.add("Slice", [value, *bounds])

    def take(self, value: str, axis: int, places: NDArray[np.int64] | Sequence[int]) -> str:
        """Take places of one axis, in any order, as often as asked.

        Args:
            value: Name of the value.
            axis: The axis.
            places: Places to take, int64 from 0.
        """
        indices = self.constant(np.asarray(places, np.int64))
        return self.add("Gather", [value, indices], axis=axis)

    def cast(self, value: str, dtype: type[np.generic]) -> str:
        """Convert a value's numbers."""
        return self.add("Cast", [value], to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def include(self, graph: onnx.GraphProto, given: dict[str, str]) -> str:
        """Append a whole graph of one output, its names under the prefix.

        Args:
            graph: The graph.
            given: What each of its inputs is here.

        Returns:
            The name of its output.
        """
        part = f"{_PREFIX}{len(self.nodes)}/"
        names = dict(given)
        for tensor in graph.initializer:
            names[tensor.name] = f"{part}{tensor.name}"
            copy = self.constants
            copy.append(onnx.TensorProto())
            copy[-1].CopyFrom(tensor)
            copy[-1].name = names[tensor.name]
        for node in graph.node:
            copied = onnx.NodeProto()
            copied.CopyFrom(node)
            names |= {output: f"{part}{output}" for output in node.output}
            copied.input[:] = [names[one] for one in node.input]
            copied.output[:] = [names[one] for one in node.output]
            copied.name = copied.output[0]
            self.nodes.append(copied)
        return names[graph.output[0].name]
