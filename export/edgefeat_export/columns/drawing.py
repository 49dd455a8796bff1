"""A graph that is drawn node by node: constants once, names of its own, other graphs taken in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["CLASSIC", "ELEMENTS", "OPSET", "TOKENIZER", "Drawing"]

OPSET: Final = 20
"""The first with StringConcat and StringSplit. ONNX Runtime reads it from 1.17 on."""
CLASSIC: Final = "ai.onnx.ml"
TOKENIZER: Final = "com.microsoft"
_VERSIONS: Final = {"": OPSET, CLASSIC: 3, TOKENIZER: 1}
_IR_VERSION: Final = 9

ELEMENTS: Final[Mapping[str, int]] = {
    "string": TensorProto.STRING,
    "bool": TensorProto.BOOL,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
}
"""ONNX's element types by the names that NumPy and Keras give them."""


class Drawing:
    """A graph that grows. Names begin with a prefix, so that two drawings never share one.

    Args:
        prefix: What names begin with.
    """

    def __init__(self, prefix: str = "columns") -> None:
        self._prefix = prefix
        self._count = 0
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._weights: list[onnx.TensorProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._declared: list[onnx.ValueInfoProto] = []
        self._wrong: list[str] = []

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one output; return the output's name."""
        (output,) = self.add_many(op, *inputs, outputs=1, domain=domain, **attributes)
        return output

    def add_many(
        self, op: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node; return the names of its outputs.

        Args:
            op: The operator.
            inputs: Names of tensors.
            outputs: How many outputs it has.
            domain: The operator's domain; empty for the ONNX standard.
            attributes: The node's attributes by name.
        """
        names = [self._name(op) for _ in range(outputs)]
        self._nodes.append(
            helper.make_node(op, inputs, names, name=names[0], domain=domain, **attributes)
        )
        return names

    def constant(self, value: Any) -> str:
        """Return the name of a constant; equal ones are stored once.

        Args:
            value: An array or a number of NumPy, or a list of strings.
        """
        array = np.asarray(value)
        if array.dtype.kind in "UO":
            name = self._name("words")
            words = [str(word).encode() for word in array.ravel()]
            tensor = onnx.TensorProto(name=name, data_type=TensorProto.STRING, dims=array.shape)
            tensor.string_data.extend(words)
            self._weights.append(tensor)
            return name
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._constants:
            self._constants[key] = name = self._name("constant")
            self._weights.append(numpy_helper.from_array(array, name))
        return self._constants[key]

    def integers(self, *values: int) -> str:
        """Return the name of a constant int64 (number of values,): axes, bounds, shapes."""
        return self.constant(np.array(values, np.int64))

    def whole(self, value: int) -> str:
        """Return the name of a constant int64 ()."""
        return self.constant(np.int64(value))

    def cast(self, tensor: str, dtype: str) -> str:
        """Return a tensor as another type; see `ELEMENTS`."""
        return self.add("Cast", tensor, to=ELEMENTS[dtype])

    def declare(self, tensor: str, dtype: str, axes: int) -> None:
        """Say what a tensor inside is. onnx 1.23 crashes where it cannot infer a table's keys.

        Args:
            tensor: The tensor's name.
            dtype: What it holds; see `ELEMENTS`.
            axes: How many axes it has.
        """
        shape = [None] * axes
        self._declared.append(helper.make_tensor_value_info(tensor, ELEMENTS[dtype], shape))

    def input(self, name: str, dtype: str, shape: Sequence[int | str | None]) -> str:
        """Add an input of the graph; return its name.

        Args:
            name: The input's name.
            dtype: What it holds; see `ELEMENTS`.
            shape: Sizes of its axes; a name or None where one is open.
        """
        self._inputs.append(helper.make_tensor_value_info(name, ELEMENTS[dtype], shape))
        return name

    def output(self, name: str, tensor: str, dtype: str, shape: Sequence[int | str | None]) -> None:
        """Make a tensor an output of the graph under a name of its own.

        Args:
            name: The output's name.
            tensor: The tensor.
            dtype: What it holds; see `ELEMENTS`.
            shape: Sizes of its axes; a name or None where one is open.
        """
        self._nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, ELEMENTS[dtype], shape))

    def without(self, wrong: str, indices: str, width: int) -> str:
        """Return indices with 0 in the place of wrong ones, and remember the rows that have any.

        Keras raises an error for them. A graph cannot, and an answer would be made up: `spoilt`
        makes NaN of it, which the runtime refuses row by row.

        Args:
            wrong: bool, of any shape, batch axis first.
            indices: int64, of the same shape.
            width: How many indices a row has.
        """
        flat = self.add("Reshape", self.cast(wrong, "int64"), self.integers(-1, width))
        self._wrong.append(self.add("ReduceMax", flat, self.integers(1), keepdims=1))
        return self.add("Where", wrong, self.whole(0), indices)

    def spoilt(self, features: str) -> str:
        """Return features (N, D) with NaN in the rows that had wrong indices."""
        if not self._wrong:
            return features
        worst = self._wrong[0] if len(self._wrong) == 1 else self.add("Max", *self._wrong)
        return self.add(
            "Where", self.cast(worst, "bool"), self.constant(np.float32(np.nan)), features
        )

    def absorb(self, other: onnx.ModelProto, inputs: Sequence[str]) -> list[str]:
        """Take in a whole graph.

        Args:
            other: A model of standard operators whose opset means the same as this one's.
            inputs: The tensor that each of its inputs is.

        Returns:
            The names that its outputs have here.
        """
        self._count += 1
        inside, graph = f"{self._prefix}_{self._count}/", other.graph
        given = {value.name: name for value, name in zip(graph.input, inputs, strict=True)}

        def here(name: str) -> str:
            return given.get(name) or (name and inside + name)

        for node in graph.node:
            self._nodes.append(_renamed_node(node, here))
        for tensor in graph.initializer:
            self._weights.append(_copied(tensor, here(tensor.name)))
        return [here(value.name) for value in graph.output]

    def body(self, name: str) -> onnx.GraphProto:
        """Return the drawing as a graph for the inside of a Loop."""
        return helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, initializer=self._weights
        )

    def model(self, name: str) -> onnx.ModelProto:
        """Return the drawing as a model."""
        graph = helper.make_graph(
            self._nodes,
            name,
            self._inputs,
            self._outputs,
            initializer=self._weights,
            value_info=self._declared,
        )
        used = {"", *(node.domain for node in graph.node)}
        sets = [helper.make_opsetid(one, _VERSIONS[one]) for one in _VERSIONS if one in used]
        return helper.make_model(
            graph, opset_imports=sets, ir_version=_IR_VERSION, producer_name="edgefeat-export"
        )

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{self._prefix}_{self._count}_{kind}"


def _renamed_node(node: onnx.NodeProto, here: Callable[[str], str]) -> onnx.NodeProto:
    """Return a node with every name in it changed, those of graphs inside it too."""
    renamed = onnx.NodeProto()
    renamed.CopyFrom(node)
    renamed.name = here(node.name)
    renamed.input[:] = [here(name) for name in node.input]
    renamed.output[:] = [here(name) for name in node.output]
    for attribute in renamed.attribute:
        if attribute.HasField("g"):
            _rename_graph(attribute.g, here)
        for graph in attribute.graphs:
            _rename_graph(graph, here)
    return renamed


def _rename_graph(graph: onnx.GraphProto, here: Callable[[str], str]) -> None:
    for index, node in enumerate(graph.node):
        graph.node[index].CopyFrom(_renamed_node(node, here))
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = here(value.name)
    del graph.value_info[:]


def _copied(tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
    copy = onnx.TensorProto()
    copy.CopyFrom(tensor)
    copy.name = name
    return copy
