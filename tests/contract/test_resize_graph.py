"""The graphs that the runtime writes itself, read by the onnx package."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgefeat.pictures.resize import areagraph, onnxgraph

Size = tuple[int, int]


GRAPH, PLAN = areagraph.build((480, 640), (224, 224))


@pytest.fixture(scope="module")
def graph() -> onnx.GraphProto:
    return onnx.load_model_from_string(GRAPH).graph


def test_onnx_finds_the_model_sound() -> None:
    model = onnx.load_model_from_string(GRAPH)
    onnx.checker.check_model(model, full_check=True)
    assert {opset.domain: opset.version for opset in model.opset_import} == {
        "": 13,
        "com.microsoft": 1,
    }


def test_inputs_are_the_windows(graph: onnx.GraphProto) -> None:
    for window, value in zip(PLAN.windows, graph.input, strict=True):
        tensor = value.type.tensor_type
        assert value.name == window.name
        assert tensor.elem_type == onnx.TensorProto.UINT8
        assert tuple(d.dim_value for d in tensor.shape.dim) == window.shape
        assert (window.after - window.first) * 640 * 3 == np.prod(window.shape)


def test_nodes_are_seven_kinds_of_rows_and_one_block_of_columns(graph: onnx.GraphProto) -> None:
    operations = [node.op_type for node in graph.node]
    assert operations == ["QLinearConv"] * 7 + ["Concat", "Reshape", "QLinearConv"]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in graph.node[0].attribute}
    assert attributes == {
        "channels_last": 1,
        "kernel_shape": [3, 1],
        "strides": [15, 1],
        "group": 960,
    }


def test_a_large_picture_is_one_input_that_is_cut_once() -> None:
    serialized, plan = areagraph.build((1080, 1920), (224, 224))
    model = onnx.load_model_from_string(serialized)
    onnx.checker.check_model(model, full_check=True)
    (window,) = plan.windows
    assert [value.name for value in model.graph.input] == [window.name]
    assert window.shape == (8, 135, 6, 960)
    operations = [node.op_type for node in model.graph.node]
    assert operations == ["Slice", "QLinearConv"] * 28 + ["Concat", "Reshape", "QLinearConv"]


@pytest.mark.parametrize(
    ("size", "target"),
    [((480, 640), 224), ((240, 320), 224), ((576, 720), 224), ((3000, 4000), 224), ((96, 96), 8)],
    ids=str,
)
def test_no_two_neighbouring_weights_leave_16_bits_together(size: Size, target: int) -> None:
    serialized, _ = areagraph.build(size, (target, target))
    graph = onnx.load_model_from_string(serialized).graph
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    dense = constants.pop("column weights")[..., 0, 0].astype(int)
    assert ((dense[:, :-1] + dense[:, 1:]) * 255 < 2**15).all()
    assert set(dense.sum(axis=1)) <= {0, round(1 / float(constants.pop("column scale")))}
    rows = [values for name, values in constants.items() if name.startswith("row weights")]
    assert all((values >= 0).all() for values in rows)  # one at a time: no pair is added


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, 2**40])
def test_whole_numbers_of_any_size(value: int) -> None:
    node = onnx.NodeProto.FromString(
        onnxgraph.node("Op", ["a"], "b", attributes={"one": value, "more": (value, 3)})
    )
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    assert attributes == {"one": value, "more": [value, 3]}


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8", "int64"])
def test_constants_keep_type_shape_and_values(dtype: str) -> None:
    values = np.arange(6).reshape(2, 1, 3).astype(dtype)
    tensor = onnx.TensorProto.FromString(onnxgraph.constant("c", values))
    got = numpy_helper.to_array(tensor)
    assert got.dtype == values.dtype
    np.testing.assert_array_equal(got, values)
