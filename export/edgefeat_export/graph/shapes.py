"""Shape inference without the weights: onnx's own inference, run on a skeleton of the graph.

Serialising hundreds of megabytes of weights for every question would make each pass cost seconds,
so large constants are declared by type and shape only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import onnx
from onnx import helper, numpy_helper, shape_inference

if TYPE_CHECKING:
    from edgefeat_export.graph.graph import Graph

__all__ = ["Shape", "infer_shapes"]

Shape = tuple[int | None, ...] | None

_SMALL = 64  # elements: enough for every shape, axis and pad list, far less than any weight


def infer_shapes(graph: Graph) -> Mapping[str, Shape]:
    """Shapes of every tensor onnx can tell, unknown dimensions as None."""
    skeleton = onnx.ModelProto(ir_version=graph.header.ir_version)
    skeleton.opset_import.append(helper.make_opsetid("", graph.opset))
    skeleton.graph.name = "skeleton"
    skeleton.graph.input.extend(graph.inputs)
    for name, array in graph.constants.items():
        if array.size <= _SMALL:
            skeleton.graph.initializer.append(numpy_helper.from_array(array, name))
        else:
            dtype = helper.np_dtype_to_tensor_dtype(array.dtype)
            skeleton.graph.input.append(helper.make_tensor_value_info(name, dtype, array.shape))
    skeleton.graph.node.extend(
        helper.make_node(node.op, node.inputs, node.outputs, **node.attrs)
        for node in graph.in_order(dead_too=True)
    )
    inferred = shape_inference.infer_shapes(skeleton, data_prop=True).graph
    return {v.name: _shape_of(v) for v in (*graph.inputs, *inferred.value_info)}


def _shape_of(info: onnx.ValueInfoProto) -> Shape:
    if not info.type.tensor_type.HasField("shape"):
        return None
    return tuple(
        d.dim_value if d.HasField("dim_value") else None for d in info.type.tensor_type.shape.dim
    )
