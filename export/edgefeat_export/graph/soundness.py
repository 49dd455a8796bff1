"""What must hold of any file before its features are even looked at; nothing here is a warning."""

from __future__ import annotations

import onnx
from onnx import TensorProto, checker

from edgefeat.model.spec import ModelSpec
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.convert import OPSET

__all__ = ["require_sound"]


def require_sound(model: onnx.ModelProto, spec: ModelSpec) -> None:
    """Refuse a graph that not every ONNX Runtime can open as the spec describes it.

    Raises:
        ConversionError: Operators outside the standard, another opset than declared, inputs or
            outputs that the spec does not name, weights outside the file, or an invalid graph.
    """
    graph = model.graph
    opsets = [entry.version for entry in model.opset_import if entry.domain == ""]
    _expect(spec, "opset", [OPSET], opsets)
    _expect(spec, "operators outside ONNX", [], sorted({n.op_type for n in graph.node if n.domain}))
    _expect(spec, "inputs", [spec.input.name], [value.name for value in graph.input])
    outputs = [output.name for output in spec.outputs]
    _expect(spec, "outputs", outputs, [value.name for value in graph.output])
    outside = [t.name for t in graph.initializer if t.data_location == TensorProto.EXTERNAL]
    _expect(spec, "weights outside the file", [], outside)
    try:
        checker.check_model(model, full_check=True)
    except (checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(
            f"{spec.name} {spec.precision}: expected a valid graph, got: {error}. Report the model."
        ) from error


def _expect(spec: ModelSpec, what: str, expected: object, got: object) -> None:
    if expected != got:
        raise ConversionError(
            f"{spec.name} {spec.precision}: {what}: expected {expected}, got {got}. Cut the network"
            " before the layers this comes from, or report the model."
        )
