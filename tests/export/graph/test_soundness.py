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
    inputs=(InputSpec(size_hw=(4, 4)),),
    outputs=(OutputSpec(name="features", kind=OutputKind.MAP, shape=(4, 4, 3), source_layer="x"),),
    source=SourceSpec(backbone="small", weights="none", weights_sha256=None, licence="none"),
    parity=None,
    probe=None,
    fingerprint="0" * 64,
)


def network() -> onnx.ModelProto:
    dims: list[str | int] = ["batch", 4, 4, 3]
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["float", "scale"], ["features"], name="scaling"),
        ],
        "small",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, dims)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, dims)],
        [numpy_helper.from_array(np.array([2], np.float32), "scale")],
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


def random_numbers(model: onnx.ModelProto) -> None:
    """In the standard, but not on the list of what devices open."""
    model.graph.node[1].CopyFrom(
        helper.make_node("RandomUniformLike", ["float"], ["features"], name="noise")
    )


def random_numbers_inside(model: onnx.ModelProto) -> None:
    inner = helper.make_node("RandomNormal", [], ["drawn"], name="hidden", shape=[1])
    value = helper.make_tensor_value_info("drawn", TensorProto.FLOAT, [1])
    body = helper.make_graph([inner], "body", [], [value])
    either = helper.make_node("If", ["sure"], ["either"], then_branch=body, else_branch=body)
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "sure"))
    model.graph.node.append(either)


def test_a_sound_graph_passes() -> None:
    require_sound(network(), SPEC)


FOREIGN = "Cut the model before them, or replace the layers that they come from."
REPORT = "Report the model."


@pytest.mark.parametrize(
    ("spoil", "problem", "remedy"),
    [
        (older_opset, "expected opset 17, got [13]", REPORT),
        (
            foreign_operator,
            "expected operators that edgefeat opens on a device, got ['Mul'] at nodes ['scaling']",
            FOREIGN,
        ),
        (
            unknown_operator,
            "expected operators that edgefeat opens on a device, got ['Multiply'] at nodes"
            " ['scaling']",
            FOREIGN,
        ),
        (
            random_numbers,
            "expected operators that edgefeat opens on a device, got ['RandomUniformLike'] at nodes"
            " ['noise']",
            FOREIGN,
        ),
        (
            random_numbers_inside,
            "expected operators that edgefeat opens on a device, got ['RandomNormal'] at nodes"
            " ['hidden']",
            FOREIGN,
        ),
        (
            weight_as_input,
            "expected inputs ['image'], as the spec says, got ['image', 'scale']",
            REPORT,
        ),
        (
            undeclared_output,
            "expected outputs ['features'], as the spec says, got ['features', 'float']",
            REPORT,
        ),
        (
            weights_elsewhere,
            "expected all weights inside the file, got 1 outside, such as ['scale']",
            REPORT,
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_unsound_one_does_not(
    spoil: Callable[[onnx.ModelProto], None], problem: str, remedy: str
) -> None:
    model = network()
    spoil(model)
    with pytest.raises(ConversionError) as caught:
        require_sound(model, SPEC)
    assert str(caught.value) == f"small fp32: {problem}. {remedy}"


def test_what_onnx_itself_finds_is_told_in_its_words() -> None:
    model = network()
    dangling_tensor(model)
    with pytest.raises(ConversionError) as caught:
        require_sound(model, SPEC)
    assert caught.value.where == "small fp32"
    assert caught.value.problem.startswith("expected a valid ONNX graph, got: ")
    assert "nowhere" in caught.value.problem
