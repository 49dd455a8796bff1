"""A network that is run layer by layer gives the bits that Keras gives, and holds less."""

from __future__ import annotations

import weakref

import keras
import numpy as np
import pytest
from keras import layers

from edgefeat_export.networks import forgetful
from keras_models import sequential


def branched() -> keras.Model:
    """Shared layers, a layer used twice, two outputs, one of them read again, and a dropout."""
    keras.utils.set_random_seed(4)
    image = keras.Input((24, 32, 3))
    shared = layers.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    first = shared(image)
    second = shared(first)
    norm = layers.BatchNormalization()(layers.Concatenate()([first, second, image]))
    both = layers.Dropout(0.5)(norm) * 2.0
    return keras.Model(image, [layers.GlobalAveragePooling2D()(both), second])


@pytest.mark.parametrize("training", [False, True])
def test_the_bits_are_those_of_keras(training: bool) -> None:
    pictures = np.random.default_rng(1).random((3, 24, 32, 3), np.float32)
    results = []
    for call in (forgetful.run, lambda model, x, training: model(x, training=training)):
        model = branched()
        keras.utils.set_random_seed(5)
        outputs = call(model, pictures, training=training)
        statistics = [weight.numpy() for weight in model.non_trainable_weights]
        results.append([np.asarray(one) for one in (*outputs, *statistics)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_model_that_is_no_graph_runs_as_it_is() -> None:
    model, pictures = sequential(), np.full((2, 24, 32, 3), 90, np.float32)
    (ours,) = forgetful.run(model, pictures)
    np.testing.assert_array_equal(ours, model(pictures, training=False))


def test_a_tensor_is_gone_after_its_last_reader() -> None:
    """Of a chain of ten layers, no more than two tensors live at once."""
    made: list[weakref.ref[object]] = []
    most = 0

    class Watched(layers.Layer):
        def call(self, x: object) -> object:
            nonlocal most
            given = keras.ops.add(x, 1.0)
            made.append(weakref.ref(given))
            most = max(most, sum(one() is not None for one in made))
            return given

    x = image = keras.Input((4, 4, 3))
    for _ in range(10):
        x = Watched()(x)
    model = keras.Model(image, x)
    most = 0
    made.clear()
    (got,) = forgetful.run(model, np.zeros((1, 4, 4, 3), np.float32))
    assert float(np.asarray(got).min()) == 10
    assert most == 2
