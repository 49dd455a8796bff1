"""Writes a graph as a ModelProto: live nodes only, in a canonical order, with canonical names.

Converters number tensors by a counter that runs on for the whole process. Renaming by position
makes the same network the same bytes, whatever was converted before it.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgefeat_export.arrays import Array
from edgefeat_export.graph.graph import Graph, Node

__all__ = ["node_proto", "write"]

_ROLES = {"Conv": ("", "weight", "bias"), "Gemm": ("", "weight", "bias"), "MatMul": ("", "weight")}
_SHAREABLE_BYTES = 64  # bounds, axes and pads are stored once; weights keep their own name


def node_proto(node: Node, name: str = "") -> onnx.NodeProto:
    """Return the node as onnx writes it, attributes in alphabetical order."""
    attrs = dict(sorted(node.attrs.items()))
    return helper.make_node(node.op, node.inputs, node.outputs, name=name, **attrs)


def write(graph: Graph) -> onnx.ModelProto:
    """Return the model in canonical form. Equal graphs give equal bytes."""
    for public in graph.outputs:
        _give_own_tensor(graph, public)
    order = graph.in_order()
    names = _name_tensors(graph, order)
    model = onnx.ModelProto()
    model.CopyFrom(graph.header)
    model.graph.name = graph.name
    model.graph.input.extend(graph.inputs)
    for info in graph.output_infos:
        model.graph.output.append(_output_info(graph, info))
    written: set[str] = set()
    for index, node in enumerate(order):
        renamed = Node(
            node.op,
            [names.get(n, n) for n in node.inputs],
            [names.get(n, n) for n in node.outputs],
            node.attrs,
        )
        model.graph.node.append(node_proto(renamed, f"{node.op}_{index}"))
        for old, new in zip(node.inputs, renamed.inputs, strict=True):
            array = graph.value(old)
            if array is not None and new not in written:
                written.add(new)
                model.graph.initializer.append(numpy_helper.from_array(array, new))
    return model


def _give_own_tensor(graph: Graph, public: str) -> None:
    """Put an Identity behind an output that is an input, a constant or another output too."""
    tensor = graph.outputs[public]
    twins = [name for name, other in graph.outputs.items() if other == tensor]
    if graph.producer(tensor) is None or twins[0] != public:
        graph.outputs[public] = graph.add("Identity", [tensor]).out


class _TensorNames:
    """New names for the tensors of a graph, by the place of their first reader or maker."""

    def __init__(self, graph: Graph) -> None:
        self._constants = graph.constants
        self.by_tensor = {info.name: info.name for info in graph.inputs}
        self.by_tensor |= {tensor: public for public, tensor in graph.outputs.items()}
        self._taken = set(self.by_tensor.values())
        self._shared: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def settle(self, tensor: str, wanted: str) -> None:
        """Give a tensor the wanted name, the name of its twin, or the next free name."""
        if tensor in self.by_tensor or not tensor:
            return
        key = _share_key(self._constants.get(tensor))
        if key is not None and key in self._shared:
            self.by_tensor[tensor] = self._shared[key]
            return
        while wanted in self._taken:
            wanted += "_"
        self._taken.add(wanted)
        self.by_tensor[tensor] = wanted
        if key is not None:
            self._shared[key] = wanted


def _name_tensors(graph: Graph, order: list[Node]) -> dict[str, str]:
    names = _TensorNames(graph)
    for index, node in enumerate(order):
        roles = _ROLES.get(node.op, ())
        for position, tensor in enumerate(node.inputs):
            role = roles[position] if position < len(roles) else ""
            names.settle(tensor, f"{node.op}_{index}_{role or f'const{position}'}")
        for position, tensor in enumerate(node.outputs):
            names.settle(tensor, f"{node.op}_{index}_out{position or ''}")
    return names.by_tensor


def _share_key(array: Array | None) -> tuple[str, tuple[int, ...], bytes] | None:
    """Return what equal small constants have in common; None for all others."""
    if array is None or array.nbytes > _SHAREABLE_BYTES:
        return None
    if array.dtype == np.int8:  # ONNX Runtime turns weights' zero points to uint8 node by node
        return None
    return array.dtype.str, array.shape, array.tobytes()


def _output_info(graph: Graph, info: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    """Return the declared type with the dimensions that are known now. Axis 0 is the batch."""
    shape = graph.shape(graph.outputs[info.name])
    if shape is None:
        return info
    dims = ["batch" if axis == 0 and d is None else d for axis, d in enumerate(shape)]
    return helper.make_tensor_value_info(info.name, info.type.tensor_type.elem_type, dims)
