"""Models of several inputs or outputs: cut where a layer hangs on one picture alone."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from edgefeat.errors import OptionError
from edgefeat_export.cut.headless import Pooling, Tap
from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.network import of_file
from edgefeat_export.networks.normalisation import IDENTITY

SHAPE = (8, 10, 3)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, *SHAPE), np.uint8)


def tower(name: str) -> keras.Sequential:
    parts = [
        layers.Input(SHAPE),
        layers.Conv2D(6, 3, activation="relu", name=f"{name}_conv"),
        layers.GlobalAveragePooling2D(name=f"{name}_pool"),
        layers.Dense(5, name=f"{name}_code"),
    ]
    return keras.Sequential(parts, name=name)


def photo_and_table() -> keras.Model:
    """Inputs by name, of three kinds; the photo comes second."""
    table = keras.Input((4,), name="numbers")
    photo = keras.Input(SHAPE, name="photo")
    kind = keras.Input((1,), name="kind", dtype="int32")
    known = layers.Flatten()(layers.Embedding(7, 2)(kind))
    mixed = layers.Concatenate(name="mixed")([tower("photos")(photo), table, known])
    inputs = {"numbers": table, "photo": photo, "kind": kind}
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="sold")(mixed))


def siamese() -> keras.Model:
    one, two = keras.Input(SHAPE, name="one"), keras.Input(SHAPE, name="two")
    embed = tower("embed")
    apart = layers.Subtract(name="apart")([embed(one), embed(two)])
    return keras.Model([one, two], layers.Dense(1, activation="sigmoid")(apart))


def two_cameras() -> keras.Model:
    left, right = keras.Input(SHAPE, name="left"), keras.Input(SHAPE, name="right")
    both = layers.Concatenate(name="both")([tower("near")(left), tower("far")(right)])
    return keras.Model([left, right], layers.Dense(3, activation="softmax")(both))


def age_and_sex() -> keras.Model:
    image = keras.Input(SHAPE, name="photo")
    shared = tower("face")(image)
    outputs = {"age": layers.Dense(1)(shared), "sex": layers.Dense(2, "softmax")(shared)}
    return keras.Model({"photo": image}, outputs)


@pytest.mark.parametrize(
    ("make", "layer", "inside"),
    [
        (photo_and_table, "photos_code", "photos"),
        (siamese, "embed", "embed"),
        (two_cameras, "near_code", "near"),
        (two_cameras, "far_code", "far"),
        (age_and_sex, "face", "face"),
    ],
)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_layer_that_hangs_on_one_picture_can_be_cut_at(
    make: type[keras.Model], layer: str, inside: str, suffix: str, tmp_path: Path
) -> None:
    model = make()
    model.save(path := tmp_path / f"mine{suffix}")
    network = of_file(path, normalisation=IDENTITY, layers=[layer])
    body = network.cut([Tap(layer=layer)])
    assert [tuple(t.shape) for t in body.model.inputs] == [(None, *SHAPE)]
    expected = np.asarray(model.get_layer(inside)(PIXELS.astype(np.float32)))
    got = np.asarray(body.model(PIXELS.astype(np.float32)))
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "layer", "words"),
    [
        (photo_and_table, "mixed", "'mixed' hangs on more than one input (kind, numbers, photo)"),
        (siamese, "apart", "'apart' hangs on more than one input (one, two)"),
        (two_cameras, "both", "looks at one picture alone: near, far."),
    ],
)
def test_a_layer_that_hangs_on_more_is_refused(
    make: type[keras.Model], layer: str, words: str, tmp_path: Path
) -> None:
    make().save(path := tmp_path / "mine.keras")
    with pytest.raises(BackboneError, match=re.escape(words)):
        of_file(path, normalisation=IDENTITY, layers=[layer])


def test_without_a_layer_candidates_of_the_one_picture_are_listed(tmp_path: Path) -> None:
    photo_and_table().save(path := tmp_path / "mine.keras")
    head = of_file(path, normalisation=IDENTITY).head
    assert not head.sure
    assert "it has 3 inputs (kind, numbers, photo)" in head.doubt
    assert [one.layer for one in head.candidates][:3] == [
        "photos_code",
        "photos_pool",
        "photos_conv",
    ]


def test_pictures_that_meet_at_once_have_no_features_of_one(tmp_path: Path) -> None:
    one, two = keras.Input(SHAPE, name="one"), keras.Input(SHAPE, name="two")
    x = layers.Conv2D(4, 3)(layers.Concatenate()([one, two]))
    keras.Model([one, two], x).save(path := tmp_path / "mine.keras")
    with pytest.raises(BackboneError, match="no layer looks at one picture alone; its inputs are"):
        of_file(path, normalisation=IDENTITY)


def test_inputs_are_named_where_none_is_a_picture(tmp_path: Path) -> None:
    columns = {name: keras.Input((1,), name=name) for name in ("age", "income")}
    x = layers.Dense(2)(layers.Concatenate()(list(columns.values())))
    keras.Model(columns, x).save(path := tmp_path / "table.keras")
    with pytest.raises(BackboneError, match=r"got age \(None, 1\), income \(None, 1\)"):
        of_file(path, normalisation=IDENTITY)


def test_channels_in_front_are_refused_at_once(tmp_path: Path) -> None:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, data_format="channels_first", name="odd")(
        layers.Permute((3, 1, 2))(image)
    )
    keras.Model(image, x).save(path := tmp_path / "mine.keras")
    with pytest.raises(BackboneError, match="layer 'odd' computes with the channels in front"):
        of_file(path, normalisation=IDENTITY)


@pytest.fixture(scope="module")
def signatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As TF Hub has it: two signatures, one with a vector and a map; two inputs in the other."""
    pool, vector = keras.layers.GlobalAveragePooling2D(), layers.Dense(32, name="vector")
    vector.build((None, 3))

    class Hub(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 10, 3), tf.float32)])
        def two(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
            grown = tf.nn.relu(image - 100)
            return {"mean": pool(grown), "map": tf.nn.max_pool2d(grown, 2, 2, "VALID")}

        @tf.function(
            input_signature=[
                tf.TensorSpec((None, 3), tf.float32, name="numbers"),
                tf.TensorSpec((None, 8, 10, 3), tf.float32, name="photo"),
            ]
        )
        def mixed(self, numbers: tf.Tensor, photo: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"sum": vector(pool(photo)) + tf.reduce_sum(numbers, 1, keepdims=True)}

    module = Hub()
    module.kept = vector.variables
    folder = tmp_path_factory.mktemp("hub") / "hub"
    tf.saved_model.save(module, str(folder), {"two": module.two, "mixed": module.mixed})
    return folder


def test_a_signature_and_an_output_can_be_named(signatures: Path) -> None:
    grown = np.maximum(PIXELS.astype(np.float32) - 100, 0)
    network = of_file(signatures, normalisation=IDENTITY, signature="two", model_output="mean")
    got = network.cut([Tap()]).model(PIXELS.astype(np.float32))
    np.testing.assert_allclose(np.asarray(got), grown.mean((1, 2)), rtol=1e-4)
    network = of_file(signatures, normalisation=IDENTITY, signature="two", model_output="map")
    got = network.cut([Tap(pooling=Pooling.NONE)]).model(PIXELS.astype(np.float32))
    assert np.asarray(got).shape == (2, 4, 5, 3)


def test_a_traced_model_of_two_inputs_is_cut_where_one_picture_is_looked_at(
    signatures: Path,
) -> None:
    network = of_file(signatures, normalisation=IDENTITY, signature="mixed")
    with pytest.raises(OptionError, match="it has 2 inputs"):
        network.cut([Tap()])
    got = network.cut([Tap()], take_first=True).model(PIXELS.astype(np.float32))
    assert np.asarray(got).shape == (2, 32)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"signature": "three"}, "signature: expected one of its signatures (mixed, two)"),
        (
            {"signature": "two", "model_output": "sum"},
            "model_output: expected one of its outputs (map, mean), got 'sum'",
        ),
    ],
)
def test_what_is_not_there_is_refused(
    options: dict[str, str], words: str, signatures: Path
) -> None:
    with pytest.raises(OptionError, match=re.escape(words)):
        of_file(signatures, normalisation=IDENTITY, **options)  # type: ignore[arg-type]


def test_no_signature_of_several_is_the_default(signatures: Path) -> None:
    with pytest.raises(BackboneError, match=r"got mixed, two\. Name one with signature"):
        of_file(signatures, normalisation=IDENTITY)


def test_an_output_of_a_dictionary_can_be_named(tmp_path: Path) -> None:
    age_and_sex().save(path := tmp_path / "mine.keras")
    network = of_file(path, normalisation=IDENTITY, model_output="sex")
    assert network.head.layer == "face_code"
    with pytest.raises(OptionError, match=r"expected one of its outputs \(age, .*sex\)"):
        of_file(path, normalisation=IDENTITY, model_output="eyes")
    with pytest.raises(OptionError, match="is for SavedModel folders"):
        of_file(path, normalisation=IDENTITY, signature="serving_default")
