"""Keras to ONNX: names, types and axes as asked, features as Keras computes them."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
from keras import layers

from edgefeat.errors import OptionError
from edgefeat_export.errors import ConversionError
from edgefeat_export.graph.audit import require_clean
from edgefeat_export.graph.convert import to_onnx
from edgefeat_export.graph.pipeline import clean
from edgefeat_export.networks.weights import randomise
from graph_support import Array, ops, relative_l2, run, scalings_as_one

IMAGES = np.random.default_rng(12).normal(size=(3, 24, 32, 3)).astype(np.float32)


def small(channels: int = 3, *, name: str = "small") -> keras.Model:
    """Padding of both kinds, a depthwise convolution, ReLU6, a residual sum."""
    image = keras.Input((24, 32, channels))
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(image)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, name="stem")(x)
    x = layers.ReLU(6)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.ReLU(6)(layers.BatchNormalization()(y))
    y = layers.Add(name="sum")([x, y])
    model = keras.Model(image, layers.GlobalAveragePooling2D()(y), name=name)
    if channels == 3:  # `randomise` settles the batch statistics on colour pictures
        randomise(model)
    return model


def features(model: keras.Model, images: Array) -> list[Array]:
    return [np.asarray(v) for v in keras.tree.flatten(model(images, training=False))]


def dims(info: onnx.ValueInfoProto) -> list[str | int]:
    return [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]


@pytest.mark.parametrize("opset", [13, 15, 17])
def test_names_types_axes_and_opset_are_as_asked(opset: int) -> None:
    model = to_onnx(small(), ["features"], opset=opset)
    (image,), (output,) = model.graph.input, model.graph.output
    assert (image.name, dims(image)) == ("image", ["batch", 24, 32, 3])
    assert (output.name, dims(output)) == ("features", ["batch", 8])
    assert [(o.domain, o.version) for o in model.opset_import] == [("", opset)]
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.parametrize("batch", [1, 3])
def test_the_clean_graph_is_small_and_computes_the_same(batch: int) -> None:
    model = small()
    graph = clean(to_onnx(model, ["features"]))
    assert ops(graph) == {"Transpose": 1, "Conv": 2, "Clip": 2, "Add": 1, "ReduceMean": 1}
    (got,) = run(graph, {"image": IMAGES[:batch]}, optimise=True)
    assert relative_l2(got, features(model, IMAGES[:batch])[0]) < 1e-6


def test_converting_twice_in_one_process_gives_equal_bytes() -> None:
    first, second = (clean(to_onnx(small(), ["features"])) for _ in range(2))
    assert first.SerializeToString() == second.SerializeToString()


def test_several_outputs_come_in_the_models_order_whatever_their_names() -> None:
    base = small()
    tap = base.get_layer("sum").output
    outputs = [base.outputs[0], tap, layers.GlobalMaxPooling2D()(tap)]
    model = keras.Model(base.inputs[0], outputs)
    graph = clean(to_onnx(model, ["z", "map", "a"]))
    report = require_clean(graph)
    assert (report.transposes_at_input, report.transposes_at_output) == (1, 1)
    assert [dims(o) for o in graph.graph.output] == [
        ["batch", 8],
        ["batch", 12, 16, 8],
        ["batch", 8],
    ]
    got = run(graph, {"image": IMAGES}, optimise=True)
    for one, other in zip(got, features(model, IMAGES), strict=True):
        assert relative_l2(one, other) < 1e-6


def sequential() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((24, 32, 3)),
            layers.Conv2D(6, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(5, activation="tanh"),
        ]
    )


def nested() -> keras.Model:
    image = keras.Input((24, 32, 3))
    inner = keras.Sequential([keras.Input((24, 32, 3)), layers.SeparableConv2D(6, 3)])
    return keras.Model(image, layers.GlobalMaxPooling2D()(inner(layers.Rescaling(2.0)(image))))


def grouped() -> keras.Model:
    """Keras hides grouped convolutions in a function marked for XLA."""
    image = keras.Input((24, 32, 3))
    x = layers.Conv2D(8, 3, groups=4)(layers.Conv2D(8, 3)(image))
    return keras.Model(image, layers.GlobalAveragePooling2D()(x))


def gelu_and_layer_norm() -> keras.Model:
    """The exact GELU is made of Erfc, which tf2onnx does not know."""
    image = keras.Input((24, 32, 3))
    x = layers.LayerNormalization()(layers.Conv2D(8, 4, strides=4)(image))
    x = layers.Dense(6)(layers.Dense(16, activation="gelu")(x))
    return keras.Model(image, layers.GlobalAveragePooling2D()(x))


def statistics_inside() -> keras.Model:
    """Normalization captures its numbers, which freezing turns into inputs."""
    norm = layers.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.2, 0.3, 0.4])
    image = keras.Input((24, 32, 3))
    x = layers.Conv2D(8, 3, padding="same")(norm(layers.Rescaling(1 / 255)(image)))
    return keras.Model(image, layers.GlobalAveragePooling2D()(x))


def squeeze_and_excite() -> keras.Model:
    image = keras.Input((24, 32, 3))
    x = layers.Conv2D(8, 3)(image)
    s = layers.Reshape((1, 1, 8))(layers.GlobalAveragePooling2D()(x))
    s = layers.Conv2D(8, 1, activation="sigmoid")(layers.Conv2D(2, 1, activation="swish")(s))
    return keras.Model(image, layers.GlobalAveragePooling2D()(layers.Multiply()([x, s])))


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (sequential, {"Conv": 1, "MaxPool": 1, "Reshape": 1, "Gemm": 1, "Tanh": 1}),
        (nested, {"Conv": 2, "ReduceMax": 1}),
        (grouped, {"Conv": 2, "ReduceMean": 1}),
        (
            gelu_and_layer_norm,
            {
                "Conv": 3,
                "ReduceMean": 3,
                "Sub": 1,
                "Mul": 3,
                "Add": 2,
                "Sqrt": 1,
                "Div": 2,
                "Erf": 1,
            },
        ),
        (statistics_inside, {"Add": 1, "Conv": 1, "ReduceMean": 1}),
        (squeeze_and_excite, {"Conv": 3, "ReduceMean": 2, "Sigmoid": 2, "Mul": 2}),
    ],
)
def test_other_kinds_of_model(build: Any, found: dict[str, int]) -> None:
    model = build()
    randomise(model)
    graph = clean(to_onnx(model, ["features"]))
    require_clean(graph)
    assert scalings_as_one(ops(graph)) == scalings_as_one({"Transpose": 1, **found})
    (got,) = run(graph, {"image": IMAGES}, optimise=True)
    assert relative_l2(got, features(model, IMAGES)[0]) < 1e-6


def test_grey_pictures() -> None:
    model = small(channels=1)
    graph = clean(to_onnx(model, ["features"]))
    assert dims(graph.graph.input[0]) == ["batch", 24, 32, 1]
    (got,) = run(graph, {"image": IMAGES[..., :1]}, optimise=True)
    assert relative_l2(got, features(model, IMAGES[..., :1])[0]) < 1e-6


@pytest.mark.parametrize("names", [[], ["a", "b"], ["image"]])
def test_wrong_names_are_refused(names: list[str]) -> None:
    with pytest.raises(ConversionError) as caught:
        to_onnx(small(), names)
    assert str(caught.value) == (
        "model 'small': expected 1 different output names (none of them 'image'), got "
        f"{names}. Name each output once."
    )


def test_an_open_picture_size_is_refused() -> None:
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layers.Conv2D(2, 3)(image), name="open")
    with pytest.raises(ConversionError) as caught:
        to_onnx(model, ["features"])
    assert str(caught.value) == (
        "model 'open': expected one image input (batch, height, width, channels), all but the "
        "batch known, got [(None, None, None, 3)]. Build it with input_shape=(height, width, 3)."
    )


def test_an_unknown_opset_is_a_wrong_argument() -> None:
    with pytest.raises(OptionError) as caught:
        to_onnx(small(), ["features"], opset=12)
    assert str(caught.value) == "opset: expected 13 to 17, got 12."


class Odd(layers.Layer):  # type: ignore[misc]
    """An operator that ONNX does not have."""

    def call(self, x: Any) -> Any:
        """Apply it."""
        return tf.math.lgamma(x)


def test_an_operator_without_a_translation_is_named() -> None:
    image = keras.Input((24, 32, 3))
    model = keras.Model(image, Odd(name="odd")(layers.Conv2D(2, 3)(image)), name="uses_odd")
    with pytest.raises(ConversionError) as caught:
        to_onnx(model, ["features"])
    assert caught.value.where == "model 'uses_odd'"
    assert re.fullmatch(
        r"expected operators that edgefeat opens on a device, got \['Lgamma'\] at nodes "
        r"\['[^']*odd[^']*'\]",
        caught.value.problem,
    )
    assert caught.value.remedy == (
        "Cut the model before them, or replace the layers that they come from."
    )
