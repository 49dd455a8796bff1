"""Runs single operators and whole float graphs through ONNX Runtime, the reference executor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edgefeat_export.graph.graph import Graph, Node
from edgefeat_export.graph.writing import node_proto

__all__ = ["Operator", "open_session", "with_outputs"]

_FATAL_ONLY = 4


class Operator:
    """One operator with its constants, to be fed with float arrays.

    Args:
        graph: Where the operator is from.
        node: The operator.
        replaced: Other values for some of its constants.
    """

    def __init__(
        self, graph: Graph, node: Node, replaced: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        replaced = replaced or {}
        self.inputs = [
            name for name in dict.fromkeys(node.inputs) if name and graph.value(name) is None
        ]
        proto = onnx.ModelProto(ir_version=graph.header.ir_version)
        proto.opset_import.extend(graph.header.opset_import)
        proto.graph.name = "operator"
        proto.graph.node.append(node_proto(node))
        for name in dict.fromkeys(node.inputs):
            value = replaced.get(name, graph.value(name)) if name else None
            if value is not None:
                proto.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        for name in node.outputs:
            proto.graph.output.append(onnx.ValueInfoProto(name=name))
        self._proto = proto
        self._session: ort.InferenceSession | None = None  # opened when the input types are known

    def run(self, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the first output for these inputs, in the order of `inputs`."""
        if self._session is None:
            for name, array in zip(self.inputs, arrays, strict=True):
                kind = helper.np_dtype_to_tensor_dtype(array.dtype)
                self._proto.graph.input.append(helper.make_tensor_value_info(name, kind, None))
            self._session = open_session(self._proto)
        result: NDArray[Any] = self._session.run(None, dict(zip(self.inputs, arrays, strict=True)))[
            0
        ]
        return result


def with_outputs(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """Return the model with these tensors as its outputs."""
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    del extended.graph.output[:]
    extended.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return extended


def open_session(model: onnx.ModelProto) -> ort.InferenceSession:
    """Open a model on the CPU, quiet and without spinning threads."""
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.x64quantprecision", "1")  # as edgefeat's own sessions
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
