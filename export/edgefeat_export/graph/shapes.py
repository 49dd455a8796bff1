"""Shape inference without the weights: onnx's own inference, run on a skeleton of the graph.

To serialise hundreds of megabytes of weights for every question would make each pass cost seconds.
So the skeleton declares large constants by type and shape only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import onnx
from onnx import helper, numpy_helper, shape_inference

from edgefeat_export.arrays import Array
from edgefeat_export.graph.node import Node

__all__ = ["Shape", "infer_shapes"]

Shape = tuple[int | None, ...] | None
"""Dimensions, None for an unknown one. None altogether if even the rank is unknown."""

_SMALL_ELEMENTS = 64  # enough for every shape, axis and pad list, far less than any weight


def infer_shapes(
    nodes: Iterable[Node],
    *,
    inputs: Sequence[onnx.ValueInfoProto],
    constants: Mapping[str, Array],
    opset: int,
    ir_version: int,
) -> Mapping[str, Shape]:
    """Return the shape of every tensor that onnx can tell.

    Args:
        nodes: Operators, each after those whose outputs it reads.
        inputs: Declared inputs of the graph.
        constants: Constants by name, of any type and shape.
        opset: Version of the standard operator set.
        ir_version: Version of ONNX's file format.
    """
    skeleton = onnx.ModelProto(ir_version=ir_version)
    skeleton.opset_import.append(helper.make_opsetid("", opset))
    skeleton.graph.name = "skeleton"
    skeleton.graph.input.extend(inputs)
    for name, array in constants.items():
        if array.size <= _SMALL_ELEMENTS:
            skeleton.graph.initializer.append(numpy_helper.from_array(array, name))
        else:
            dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
            skeleton.graph.input.append(helper.make_tensor_value_info(name, dtype, array.shape))
    skeleton.graph.node.extend(
        helper.make_node(node.op, node.inputs, node.outputs, **node.attrs) for node in nodes
    )
    inferred = shape_inference.infer_shapes(skeleton, data_prop=True).graph
    return {value.name: _shape_of(value) for value in (*inputs, *inferred.value_info)}


def _shape_of(info: onnx.ValueInfoProto) -> Shape:
    if not info.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        d.dim_value if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim
    )
