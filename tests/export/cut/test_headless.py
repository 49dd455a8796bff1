"""Where a network is cut, and what its taps give."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import layers

from edgefeat.errors import OptionError
from edgefeat.model.spec import OutputKind
from edgefeat_export.cut.head import find_head
from edgefeat_export.cut.headless import Pooling, Tap, cut, taps_at
from edgefeat_export.errors import BackboneError


def body() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    image = keras.Input((16, 16, 3))
    return image, layers.Conv2D(8, 3, activation="relu", name="last")(image)


def perceptron(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(16, activation="relu", name="hidden")(x)
    x = layers.BatchNormalization()(layers.Dropout(0.5)(x))
    return layers.Dense(3, activation="softmax", name="classes")(x)


def one_dense(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Dense(3, name="classes")(layers.GlobalAveragePooling2D(name="pool")(x))


def convolution_on_pooled(x: keras.KerasTensor) -> keras.KerasTensor:
    """As MobileNet v1 ends."""
    x = layers.GlobalAveragePooling2D(keepdims=True, name="pool")(x)
    x = layers.Conv2D(3, 1, name="classes")(layers.Dropout(0.001)(x))
    return layers.Activation("softmax")(layers.Reshape((3,))(x))


def pooled_convolution(x: keras.KerasTensor) -> keras.KerasTensor:
    """As SqueezeNet ends: the classifier comes before the pooling."""
    x = layers.ReLU()(layers.Conv2D(3, 1, name="classes")(layers.Dropout(0.5)(x)))
    return layers.Activation("softmax")(layers.GlobalAveragePooling2D()(x))


def nothing(x: keras.KerasTensor) -> keras.KerasTensor:
    return x


def pooled(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.GlobalAveragePooling2D(name="pool")(x)


@pytest.mark.parametrize(
    ("head", "layer", "words"),
    [
        (perceptron, "flat", "the flattened features before the classifier 'classes'"),
        (one_dense, "pool", "the pooled features before the classifier 'classes'"),
        (convolution_on_pooled, "pool", "the pooled features before the classifier 'classes'"),
        (pooled_convolution, "last", "the last features before the classifier 'classes'"),
        (nothing, "last", "it has no classification head, so nothing is cut off"),
        (pooled, "pool", "it has no classification head, so nothing is cut off"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_head_is_found(
    head: Callable[[keras.KerasTensor], keras.KerasTensor], layer: str, words: str
) -> None:
    image, x = body()
    found = find_head(keras.Model(image, head(x)))
    assert (found.layer, found.reason) == (layer, words)


def test_one_file_has_many_taps() -> None:
    image, x = body()
    model = keras.Model(image, one_dense(x), name="many")
    taps = [
        Tap(),
        Tap(layer="last", pooling=Pooling.GEM),
        Tap(layer="last", pooling=Pooling.MAX),
        Tap(layer="last", pooling=Pooling.NONE),
    ]
    headless = cut(model, taps, end="pool")
    assert [(o.name, o.kind, o.shape, o.pooling) for o in headless.outputs] == [
        ("features", OutputKind.VECTOR, (8,), None),
        ("last", OutputKind.VECTOR, (8,), "gem"),
        ("last_2", OutputKind.VECTOR, (8,), "max"),
        ("last_3", OutputKind.MAP, (14, 14, 8), None),
    ]
    pixels = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    mean, gem, highest, spatial = (np.asarray(x) for x in headless.model(pixels))
    np.testing.assert_allclose(mean, spatial.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(gem, np.cbrt((spatial**3).mean((1, 2))), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(highest, spatial.max((1, 2)))
    assert (mean <= gem + 1e-6).all()
    assert (gem <= highest + 1e-6).all()


@pytest.mark.parametrize(
    ("tap", "message"),
    [
        (Tap(layer="lost"), r"no layer is called 'lost'\. Did you mean last"),
        (Tap(layer="pool", pooling=Pooling.MAX), "is a vector of 8 already, got pooling max"),
    ],
    ids=["misspelt", "pooled twice"],
)
def test_taps_that_make_no_sense(tap: Tap, message: str) -> None:
    image, x = body()
    with pytest.raises(BackboneError, match=message):
        cut(keras.Model(image, one_dense(x)), [tap], end="pool")


def test_tokens_are_neither_map_nor_vector() -> None:
    image, x = body()
    tokens = keras.Model(image, layers.Reshape((196, 8), name="tokens")(x))
    with pytest.raises(BackboneError, match=r"expected a map .* or a vector"):
        cut(tokens, [Tap()], end="tokens")


def test_two_outputs_ask_for_a_layer() -> None:
    image, x = body()
    with pytest.raises(BackboneError, match="Name the layer to cut at with layers"):
        find_head(keras.Model(image, [x, one_dense(x)]))


def test_a_classifier_without_anything_before_it_asks_for_a_layer() -> None:
    image = keras.Input((8, 8, 3))
    classes = layers.Conv2D(3, 1, activation="softmax", name="classes")
    model = keras.Model(image, classes(layers.Dropout(0.1)(image)))
    with pytest.raises(BackboneError, match="nothing comes before the classifier 'classes'"):
        find_head(model)


@pytest.mark.parametrize(
    ("text", "pooling", "tap"),
    [
        ("block5:gem", None, Tap(layer="block5", pooling=Pooling.GEM)),
        ("block5:gem", "max", Tap(layer="block5", pooling=Pooling.GEM)),
        ("block5", "max", Tap(layer="block5", pooling=Pooling.MAX)),
        ("scope:conv", None, Tap(layer="scope:conv")),
    ],
)
def test_layers_are_written_with_their_pooling(text: str, pooling: str | None, tap: Tap) -> None:
    assert taps_at([text], pooling) == (tap,)


def test_no_layer_is_the_end_of_the_network() -> None:
    assert taps_at([]) == (Tap(),)
    assert taps_at([], "gem") == (Tap(pooling=Pooling.GEM),)


def test_an_unknown_pooling_is_an_option_error() -> None:
    with pytest.raises(OptionError, match=r"^pooling: expected one of avg, max, gem, none, got"):
        taps_at(["a"], "mean")
