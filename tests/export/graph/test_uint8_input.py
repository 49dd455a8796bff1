"""A graph that takes bytes computes what the float graph computes of normalised pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper

from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.pipeline import clean
from edgefeat_export.graph.uint8_input import with_uint8_input
from edgefeat_export.networks.normalisation import CAFFE, IDENTITY, LITE, TF, TORCH, Normalisation
from graph_support import Array, make_model, ops, relative_l2, run

WEIGHT = np.random.default_rng(10).normal(size=(5, 3, 3, 3)).astype(np.float32)
CAFFE_RGB = Normalisation(mean=(10.5, 20.25, 30.125), std=(1.5, 2.5, 3.5), colour="bgr")


def node(op: str, *inputs: str, out: str = "y", **attrs: Any) -> NodeProto:
    return helper.make_node(op, list(inputs), [out], **attrs)


def stem(pads: int, *, channels: int = 3) -> ModelProto:
    nodes = [
        node("Transpose", "image", out="t", perm=[0, 3, 1, 2]),
        node("Conv", "t", "w", out="c", pads=[pads] * 4),
        node("Transpose", "c", perm=[0, 2, 3, 1]),
    ]
    shape = {"image": ("batch", 10, 12, channels)}
    return make_model(nodes, shape, {"y": ("batch", None, None, 5)}, {"w": WEIGHT[:, :channels]})


def pictures(channels: int = 3) -> Array:
    """Random bytes and the extremes: black, white, and black with one white border pixel."""
    extremes = np.zeros((3, 10, 12, channels), np.uint8)
    extremes[1], extremes[2, 0, 5] = 255, 255
    random = np.random.default_rng(11).integers(0, 256, (2, 10, 12, channels), np.uint8)
    return np.concatenate([random, extremes])


@pytest.mark.parametrize("pads", [0, 1])
@pytest.mark.parametrize("normalisation", [TF, TORCH, CAFFE, CAFFE_RGB, LITE, IDENTITY])
def test_bytes_in_give_the_features_of_normalised_floats(
    normalisation: Normalisation, pads: int
) -> None:
    model = clean(stem(pads))
    after = with_uint8_input(model, normalisation)
    onnx.checker.check_model(after, full_check=True)
    shift = pads and any(normalisation.mean)
    wanted = ["Transpose", "Cast", *(["Sub"] if shift else []), "Conv", "Transpose"]
    found = [n.op_type for n in after.graph.node]
    assert [op.replace("Add", "Sub") for op in found] == wanted
    (expected,) = run(model, {"image": normalisation.apply(pictures())})
    (got,) = run(after, {"image": pictures()}, optimise=True)
    assert relative_l2(got, expected) < 1e-6
    for one, other in zip(got, expected, strict=True):
        border = np.abs(one - other)[[0, -1]].max(), np.abs(one - other)[:, [0, -1]].max()
        assert max(border) <= 2e-6 * max(np.abs(other).max(), 1)


def test_the_input_is_declared_as_bytes() -> None:
    (info,) = with_uint8_input(clean(stem(1)), TF).graph.input
    assert info.name == "image"
    assert info.type.tensor_type.elem_type == TensorProto.UINT8
    dims = [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]
    assert dims == ["batch", 10, 12, 3]


def test_without_a_convolution_in_front_the_arithmetic_is_plain() -> None:
    nodes = [
        node("Transpose", "image", out="t", perm=[0, 3, 1, 2]),
        node("MaxPool", "t", out="p", kernel_shape=[2, 2]),
        node("ReduceMean", "p", axes=[2, 3], keepdims=0),
    ]
    shape = {"image": ("batch", 10, 12, 3)}
    model = clean(make_model(nodes, shape, {"y": ("batch", 3)}, {}))
    after = with_uint8_input(model, CAFFE)
    (expected,) = run(model, {"image": CAFFE.apply(pictures())})
    (got,) = run(after, {"image": pictures()})
    assert relative_l2(got, expected) < 1e-5
    assert ops(after)["Transpose"] == 1


def test_a_grey_picture_takes_one_number() -> None:
    model = clean(stem(1, channels=1))
    after = with_uint8_input(model, TF)
    grey = pictures(1)
    (expected,) = run(model, {"image": ((grey - 127.5) / 127.5).astype(np.float32)})
    (got,) = run(after, {"image": grey})
    assert relative_l2(got, expected) < 1e-5


def test_a_grey_picture_with_three_means_is_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        with_uint8_input(clean(stem(1, channels=1)), CAFFE)
    assert str(caught.value) == (
        "graph 'handmade': expected one mean and one std for a grey picture, got mean (103.939, "
        "116.779, 123.68) and std (1.0, 1.0, 1.0). Repeat the same number three times."
    )


def test_a_graph_that_takes_bytes_already_is_refused() -> None:
    once = with_uint8_input(clean(stem(1)), TF)
    with pytest.raises(ConversionError) as caught:
        with_uint8_input(once, TF)
    assert str(caught.value) == (
        "graph 'handmade': expected one float32 input (batch, height, width, 1 or 3), got shapes "
        "[(None, 10, 12, 3)] of ONNX types [2]. Give the model as `clean` returned it."
    )
