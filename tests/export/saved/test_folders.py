"""SavedModels of many makes: opened right, or refused in one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from edgefeat_export.cut.headless import Pooling, Tap
from edgefeat_export.errors import BackboneError, ConversionError
from edgefeat_export.networks.network import of_file
from edgefeat_export.networks.normalisation import IDENTITY
from exported import exported
from graph_support import relative_l2

SHAPE = (12, 8, 1)
PIXELS = np.random.default_rng(3).integers(0, 256, (2, *SHAPE)).astype(np.uint8)
FLOATS = PIXELS.astype(np.float32)
LOOP = "it has a loop, as recurrent layers have, which need not end"


def weights(*shape: int) -> np.ndarray:
    return (np.random.default_rng(0).standard_normal(shape) * 0.3).astype(np.float32)


def recurrent(layer: Any) -> keras.Model:
    image = keras.Input(SHAPE)
    maps = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="maps")(
        layers.Rescaling(1 / 255)(image)
    )
    steps = layer(layers.Reshape((6, 32))(maps))
    return keras.Model(image, layers.Dense(3, activation="softmax", name="classes")(steps))


def saved(model: keras.Model, path: Path) -> Path:
    model.export(path, verbose=False)
    return path


class Branching(tf.Module):  # type: ignore[misc]
    """Pooled maps, and what `behind` makes of them."""

    def __init__(self, behind: Callable[[Any], Any]) -> None:
        super().__init__()
        self.kernel, self.behind = tf.Variable(weights(3, 3, 1, 8)), behind

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32, name="image")])
    def __call__(self, image: Any) -> Any:
        with tf.name_scope("maps"):
            maps = tf.nn.relu(tf.nn.conv2d(image / 255.0, self.kernel, 2, "SAME"))
        with tf.name_scope("pool"):
            pooled = tf.reduce_mean(maps, [1, 2])
        return {"features": self.behind(pooled)}


def condition(x: Any) -> Any:
    return tf.cond(tf.reduce_mean(x) > 0.1, lambda: x @ weights(8, 8), lambda: 2.0 * x)


def test_a_loop_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    """Whoever opens it would run it to compare features, and it may never end."""
    path = saved(recurrent(layers.LSTM(6, name="steps")), tmp_path / "net")
    with pytest.raises(BackboneError) as caught:
        of_file(path, normalisation=IDENTITY)
    assert str(caught.value) == (
        f"{path}: {LOOP}. Give the .keras or .h5 file, where recurrent layers are known. If you "
        "trust it, allow the loop with allow_code=True, and cut in front of it if it cannot be "
        "translated."
    )


def test_a_loop_that_is_trusted_and_known(tmp_path: Path) -> None:
    model = recurrent(layers.LSTM(6, name="steps"))
    path = saved(model, tmp_path / "net")
    network = of_file(path, normalisation=IDENTITY, allow_code=True)
    assert network.head.layer.startswith("steps")
    wanted = keras.Model(model.inputs[0], model.get_layer("steps").output)(FLOATS)
    assert relative_l2(exported(network, PIXELS), np.asarray(wanted)) < 1e-5


def test_a_loop_that_is_not_translated_can_be_cut_off(tmp_path: Path) -> None:
    both_ways = layers.Bidirectional(layers.GRU(4, return_sequences=True), name="steps")
    model = recurrent(both_ways)
    path = saved(model, tmp_path / "net")
    network = of_file(path, normalisation=IDENTITY, allow_code=True)
    with pytest.raises(ConversionError, match=r"it has a loop or a condition.*: name a layer"):
        exported(network, PIXELS)
    maps = next(one.layer for one in network.head.candidates if one.layer.startswith("maps"))
    wanted = keras.Model(model.inputs[0], model.get_layer("maps").output)(FLOATS)
    got = exported(network, PIXELS, Tap(layer=maps, pooling=Pooling.NONE))
    assert relative_l2(got, np.asarray(wanted)) < 1e-5


def test_a_condition_can_be_cut_off(tmp_path: Path) -> None:
    module = Branching(condition)
    tf.saved_model.save(module, str(tmp_path / "net"))
    network = of_file(tmp_path / "net", normalisation=IDENTITY)
    with pytest.raises(ConversionError, match="it has a loop or a condition"):
        exported(network, PIXELS)
    got = exported(network, PIXELS, Tap(layer="pool"))
    maps = tf.nn.relu(tf.nn.conv2d(FLOATS / 255.0, module.kernel, 2, "SAME"))
    assert relative_l2(got, np.mean(maps, axis=(1, 2))) < 1e-5


def in_tensorflow_1(path: Path, *, frozen: bool = False, loop: bool = False) -> Path:
    """Write a network as TensorFlow 1 did, with variables or with constants, or with its loop."""
    v1 = tf.compat.v1
    new_loops = v1.control_flow_v2_enabled()
    v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default(), v1.Session() as session:
            image = v1.placeholder(tf.float32, (None, *SHAPE), name="image")
            make = tf.constant if frozen else v1.Variable
            with v1.name_scope("Maps"):
                maps = tf.nn.relu(v1.nn.conv2d(image, make(weights(3, 3, 1, 8)), 2, "SAME"))
            with v1.name_scope("Pool"):
                pooled = tf.reduce_mean(maps, [1, 2])
            if loop:
                turns = (lambda i, x: i < 3, lambda i, x: (i + 1, tf.tanh(x)), [0, pooled])
                pooled = v1.while_loop(*turns)[1]
            with v1.name_scope("Classes"):
                classes = tf.nn.softmax(pooled @ make(weights(8, 3)))
            session.run(v1.global_variables_initializer())
            v1.saved_model.simple_save(session, str(path), {"image": image}, {"classes": classes})
    finally:
        if new_loops:
            v1.enable_control_flow_v2()
    return path


# TensorFlow warns of variables of its first version.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("frozen", [False, True], ids=["variables", "frozen"])
def test_a_folder_of_tensorflow_1_opens_where_it_is_trusted(frozen: bool, tmp_path: Path) -> None:
    path = in_tensorflow_1(tmp_path / "net", frozen=frozen)
    with pytest.raises(BackboneError, match="got one of TensorFlow 1, which runs operators of the"):
        of_file(path, normalisation=IDENTITY)
    network = of_file(path, normalisation=IDENTITY, allow_code=True)
    assert network.head.layer == "Pool"
    maps = tf.nn.relu(tf.nn.conv2d(FLOATS, weights(3, 3, 1, 8), 2, "SAME"))
    assert relative_l2(exported(network, PIXELS), np.mean(maps, axis=(1, 2))) < 1e-5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_loop_of_tensorflow_1_is_refused(tmp_path: Path) -> None:
    path = in_tensorflow_1(tmp_path / "net", loop=True)
    with pytest.raises(BackboneError) as caught:
        of_file(path, normalisation=IDENTITY, allow_code=True)
    assert re.fullmatch(
        r"net: it has a loop of TensorFlow 1, which cannot be taken apart\. Save it again under "
        r"tf\.compat\.v1\.enable_control_flow_v2\(\), or without it\.",
        str(caught.value),
    )


def test_half_precision_becomes_float32_and_is_cut_at_the_same_tensor(tmp_path: Path) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        image = keras.Input(SHAPE)
        x = layers.Conv2D(8, 3, strides=2, name="maps")(layers.Rescaling(1 / 255)(image))
        x = layers.GlobalAveragePooling2D(name="pool")(
            layers.ReLU()(layers.BatchNormalization()(x))
        )
        classes = layers.Dense(3, activation="softmax", dtype="float32", name="classes")(x)
    finally:
        keras.config.set_dtype_policy("float32")
    model = keras.Model(image, classes)
    model.save(tmp_path / "net.keras")
    path = saved(model, tmp_path / "net")
    network = of_file(path, normalisation=IDENTITY)
    assert network.head.layer.startswith("pool")
    assert network.head.sure
    got = exported(network, PIXELS)
    again = of_file(tmp_path / "net.keras", normalisation=IDENTITY)
    assert relative_l2(got, exported(again, PIXELS)) < 1e-5
    half = keras.Model(image, model.get_layer("pool").output)(FLOATS)
    assert relative_l2(got, np.asarray(half, np.float32)) < 1e-2
