"""Saves fourteen networks in each format of Keras 2: python write_keras_two_corpus.py FOLDER.

Names of networks after the folder save only these, and not as SavedModels.
A program of its own, because Keras 2 and 3 are not for one process. Beside each network stands what
it computes for the same pictures (`NAME.npz`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras as keras

SHAPE = (32, 32, 3)
layers = keras.layers


def ended(image: Any, x: Any) -> Any:
    """Return a model with a pooled vector and a classifier behind it."""
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="classes")(x))


def plain() -> Any:
    parts = [layers.Rescaling(1 / 255), layers.Conv2D(8, 3, activation="relu")]
    parts += [layers.MaxPooling2D(), layers.Conv2D(8, 3, activation="relu")]
    parts += [layers.GlobalAveragePooling2D(name="pool"), layers.Dense(3, name="classes")]
    model = keras.Sequential(parts)
    model.build((None, *SHAPE))
    return model


def functional() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, padding="same")(layers.Rescaling(1 / 255)(image))
    y = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    return ended(image, layers.Add()([x, y]))


def separable() -> Any:
    image = keras.Input(SHAPE)
    x = layers.SeparableConv2D(8, 3, kernel_regularizer=keras.regularizers.l2(0.1))(image / 255.0)
    return ended(image, layers.SeparableConv2D(8, 3, use_bias=False)(tf.nn.relu(x)))


def augmented() -> Any:
    image = keras.Input(SHAPE)
    inner = [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)]
    x = keras.Sequential(inner, name="augmentation")(image)
    return ended(image, layers.Conv2D(8, 3)(layers.Rescaling(1 / 127.5, offset=-1)(x)))


def mixed() -> Any:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        image = keras.Input(SHAPE)
        x = layers.Conv2D(8, 3, activation="relu")(layers.Rescaling(1 / 255)(image))
        x = layers.GlobalAveragePooling2D(name="pool")(layers.BatchNormalization()(x))
        x = layers.Activation("softmax", dtype="float32")(layers.Dense(3, name="classes")(x))
        return keras.Model(image, x)
    finally:
        keras.mixed_precision.set_global_policy("float32")


def attention() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(12, 8, strides=8)(layers.Rescaling(1 / 255)(image))
    x = layers.Reshape((16, 12))(x)
    y = layers.MultiHeadAttention(2, 6)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D(name="pool")(x)
    return keras.Model(image, layers.Dense(3, name="classes")(x))


def backbone(name: str) -> Any:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, strides=2)(image)
    x = layers.DepthwiseConv2D(3)(layers.ReLU()(layers.BatchNormalization()(x)))
    return keras.Model(image, layers.GlobalAveragePooling2D()(x), name=name)


def teachable() -> Any:
    """Teachable Machine's layout: a Sequential of a Sequential around a functional model."""
    first = keras.Sequential([backbone("model1")], name="sequential_1")
    second = keras.Sequential(
        [layers.Dense(5, activation="relu", input_shape=(8,)), layers.Dense(3, use_bias=False)],
        name="sequential_3",
    )
    return keras.Sequential([layers.Rescaling(1 / 255, input_shape=SHAPE), first, second])


def nested() -> Any:
    image = keras.Input(SHAPE)
    x = backbone("inside")(layers.Rescaling(1 / 255)(image), training=False)
    return keras.Model(image, layers.Dense(3, name="classes")(layers.Dropout(0.2)(x)))


def grey() -> Any:
    image = keras.Input(SHAPE)
    x = tf.image.rgb_to_grayscale(image) / 255.0
    return ended(image, layers.Conv2D(8, 3)(x))


def operators() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3)(keras.applications.mobilenet.preprocess_input(image))
    x = tf.concat([x * 0.5 + 1.0, tf.nn.relu6(x)], axis=-1)
    return ended(image, x)


def normalised() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Normalization(mean=[120.0, 110.0, 100.0], variance=[900.0, 800.0, 700.0])(image)
    return ended(image, layers.Conv2D(8, 3)(x))


def transposed() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, strides=2, padding="same")(layers.Rescaling(1 / 255)(image))
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    return ended(image, layers.LeakyReLU(0.2)(layers.Conv2DTranspose(6, 3)(layers.PReLU()(x))))


def squeezed() -> Any:
    """Squeeze and excitation, as MobileNetV3 has it."""
    image = keras.Input(SHAPE)
    x = layers.Conv2D(8, 3, activation="swish")(layers.Rescaling(1 / 255)(image))
    y = layers.GlobalAveragePooling2D(keepdims=True)(x)
    y = layers.Conv2D(8, 1, activation="hard_sigmoid")(layers.Conv2D(4, 1, activation="relu")(y))
    return ended(image, layers.Multiply()([x, y]))


def resized() -> Any:
    image = keras.Input(SHAPE)
    x = layers.Resizing(24, 24)(layers.ZeroPadding2D(1)(layers.Rescaling(1 / 255)(image)))
    return ended(image, layers.Conv2D(8, 3)(layers.CenterCrop(20, 20)(x)))


NETWORKS: tuple[Callable[[], Any], ...] = (
    plain,
    functional,
    separable,
    augmented,
    mixed,
    attention,
    teachable,
    nested,
    grey,
    operators,
    normalised,
    transposed,
    squeezed,
    resized,
)


def main(folder: Path, names: list[str]) -> None:
    keras.utils.set_random_seed(5)
    pixels = np.random.default_rng(6).integers(0, 256, (3, *SHAPE)).astype(np.uint8)
    for make in NETWORKS:
        name = make.__name__
        if names and name not in names:
            continue
        model = make()
        for weight in model.weights:
            if "moving_mean" in weight.name:
                weight.assign(weight + 0.1)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        if not names:
            model.save(folder / name, save_format="tf")
        answers = model(pixels.astype(np.float32), training=False)
        np.savez(folder / f"{name}.npz", pixels=pixels, answers=np.asarray(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
