"""Where a network is cut, and what its taps give."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from edgefeat.errors import OptionError
from edgefeat.model.spec import OutputKind
from edgefeat_export.cut.headless import Pooling, Tap, cut, taps_at
from edgefeat_export.errors import BackboneError


def body() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    image = keras.Input((16, 16, 3))
    return image, layers.Conv2D(8, 3, activation="relu", name="last")(image)


def one_dense(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Dense(3, name="classes")(layers.GlobalAveragePooling2D(name="pool")(x))


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


@pytest.mark.parametrize("pooling", ["avg", "max", "gem", "cls", "none"])
def test_tokens_become_a_vector(pooling: str) -> None:
    image, x = body()
    tokens = keras.Model(image, layers.Reshape((196, 8), name="tokens")(x))
    pixels = np.random.default_rng(0).random((2, 16, 16, 3), np.float32)
    headless = cut(tokens, taps_at([f"tokens:{pooling}"]))
    got, rows = np.asarray(headless.model(pixels)), np.asarray(tokens(pixels))
    expected = {
        "avg": rows.mean(1),
        "max": rows.max(1),
        "gem": np.cbrt((np.maximum(rows, 1e-6) ** 3).mean(1)),
        "cls": rows[:, 0],
        "none": rows[:, :, np.newaxis],
    }[pooling]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    (output,) = headless.outputs
    assert output.shape == expected.shape[1:]
    assert output.pooling == (None if pooling == "none" else pooling)


def test_a_map_has_no_first_token() -> None:
    image, x = body()
    with pytest.raises(BackboneError, match=r"is a map \(14, 14, 8\), which has no first token"):
        cut(keras.Model(image, x), taps_at(["last:cls"]))


def test_other_shapes_are_no_features() -> None:
    image, x = body()
    model = keras.Model(image, layers.Reshape((14, 14, 4, 2), name="odd")(x))
    with pytest.raises(BackboneError, match=r"expected a map .*, tokens .* or a vector"):
        cut(model, [Tap(layer="odd")])


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
    with pytest.raises(
        OptionError, match=r"^pooling: expected one of avg, max, gem, cls, none, got"
    ):
        taps_at(["a"], "mean")


def test_layers_that_pool_never_take_a_name_that_is_there() -> None:
    image, x = body()
    x = layers.GlobalAveragePooling2D(keepdims=True, name="pooled_1")(x)
    x = layers.Conv2D(8, 1, name="global_average_pooling2d")(x)
    model = keras.Model(image, layers.Reshape((2, 4), name="reshape")(x))
    keras.utils.clear_session()
    taps = taps_at(["reshape:none", "reshape:avg", "reshape:gem", "global_average_pooling2d"])
    assert [output.shape for output in cut(model, taps).outputs] == [(2, 1, 4), (4,), (4,), (8,)]
