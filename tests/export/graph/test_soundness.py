"""What is wrong with a graph stops the export, whatever its features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgefeat.model.spec import InputSpec, ModelSpec, OutputKind, OutputSpec, SourceSpec
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.soundness import require_sound

SPEC = ModelSpec(
    name="small",
    precision="fp32",
    input=InputSpec(size_hw=(4, 4)),
    outputs=(OutputSpec(name="features", kind=OutputKind.MAP, shape=(4, 4, 3), source_layer="x"),),
    source=SourceSpec(backbone="small", weights="none", weights_sha256=None, licence="none"),
    parity=None,
    probe=None,
    fingerprint="0" * 64,
)


def network() -> onnx.ModelProto:
    dims = ["batch", 4, 4, 3]
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["float", "scale"], ["features"]),
        ],
        "small",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, dims)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, dims)],
        [numpy_helper.from_array(np.float32([2]), "scale")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def older_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 13


def foreign_operator(model: onnx.ModelProto) -> None:
    model.graph.node[1].domain = "com.microsoft"


def weight_as_input(model: onnx.ModelProto) -> None:
    value = helper.make_tensor_value_info("scale", TensorProto.FLOAT, [1])
    model.graph.input.append(value)


def undeclared_output(model: onnx.ModelProto) -> None:
    value = helper.make_tensor_value_info("float", TensorProto.FLOAT, ["batch", 4, 4, 3])
    model.graph.output.append(value)


def weights_elsewhere(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def dangling_tensor(model: onnx.ModelProto) -> None:
    model.graph.node[1].input[1] = "nowhere"


def unknown_operator(model: onnx.ModelProto) -> None:
    model.graph.node[1].op_type = "Multiply"


def test_a_sound_graph_passes() -> None:
    require_sound(network(), SPEC)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (older_opset, r"opset: expected \[17\], got \[13\]"),
        (foreign_operator, r"operators outside ONNX: expected \[\], got \['Mul'\]"),
        (weight_as_input, r"inputs: expected \['image'\], got \['image', 'scale'\]"),
        (undeclared_output, r"outputs: expected \['features'\], got \['features', 'float'\]"),
        (weights_elsewhere, r"weights outside the file: expected \[\], got \['scale'\]"),
        (dangling_tensor, "expected a valid graph, got"),
        (unknown_operator, "expected a valid graph, got"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_unsound_one_does_not(spoil: Callable[[onnx.ModelProto], None], message: str) -> None:
    model = network()
    spoil(model)
    with pytest.raises(ConversionError, match=message):
        require_sound(model, SPEC)
