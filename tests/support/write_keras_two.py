"""Saves models as Keras 2 does, and what it computes: python write_keras_two.py FOLDER.

A program of its own, because Keras 2 and 3 are not for one process.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

SHAPE = (32, 40, 3)
layers = keras.layers


def preprocessed_inside() -> Iterator[Any]:
    """As tutorials on transfer learning write it, for every kind of preprocessing."""
    applications = keras.applications
    for name in ("mobilenet", "resnet50"):  # scaled to -1..1; BGR with the means taken off
        image = keras.Input(SHAPE)
        backbone = small(name="backbone")
        x = backbone(getattr(applications, name).preprocess_input(image), training=False)
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dropout(0.2)(x)
        yield keras.Model(image, layers.Dense(2, name="classes")(x), name=f"{name}_inside")


def arithmetic() -> Any:
    """Operators, constants first, two tensors, a list of tensors, slices and functions."""
    image = keras.Input(SHAPE)
    x = layers.Conv2D(6, 3, name="first")(layers.Rescaling(1 / 255)(image))
    y = 1.0 - tf.nn.relu6(x * 3.0 + 0.5)
    x = tf.concat([x, tf.math.sigmoid(y), x + y, x * y], axis=-1)
    x = tf.image.resize(x[:, 1:-1, ::2], (12, 10))
    x = tf.reduce_mean(x, axis=[1, 2], name="pool")
    return keras.Model(image, layers.Dense(2, name="classes")(x), name="arithmetic")


def sequential() -> Any:
    """A functional backbone as one layer among others, the other way of transfer learning."""
    parts = [layers.Input(SHAPE), layers.Rescaling(1 / 255), small(name="backbone")]
    parts += [layers.GlobalAveragePooling2D(name="pool"), layers.Dense(2, name="classes")]
    return keras.Sequential(parts, name="sequential")


def in_a_sequential() -> Any:
    """A functional model in a sequential one, and that one twice in a third."""
    inner = keras.Sequential([layers.Input(SHAPE), small(name="backbone")], name="inner")
    image = keras.Input(SHAPE)
    x = layers.Rescaling(1 / 255)(image)
    both = layers.Concatenate()([inner(x), inner(layers.ReLU(max_value=0.5)(x))])
    x = layers.GlobalAveragePooling2D(name="pool")(both)
    return keras.Model(image, layers.Dense(2, name="classes")(x), name="in_a_sequential")


def small(name: str) -> Any:
    """A backbone of two convolutions with statistics that matter."""
    image = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, strides=2)(image)
    x = layers.BatchNormalization(moving_mean_initializer=keras.initializers.Constant(0.2))(x)
    return keras.Model(image, layers.DepthwiseConv2D(3)(layers.ReLU()(x)), name=name)


def main(folder: Path) -> None:
    keras.utils.set_random_seed(5)
    pixels = np.random.default_rng(6).integers(0, 256, (4, *SHAPE)).astype(np.uint8)
    for model in (*preprocessed_inside(), arithmetic(), sequential(), in_a_sequential()):
        model.save(folder / f"{model.name}.h5")
        before_classes = keras.Model(model.input, model.get_layer("classes").input)
        features = before_classes(pixels.astype(np.float32), training=False)
        np.savez(folder / f"{model.name}.npz", pixels=pixels, features=features)
    image = keras.Input(SHAPE)
    unknown = keras.Model(image, tf.image.rgb_to_hsv(image), name="unknown")
    unknown.save(folder / "unknown.h5")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
