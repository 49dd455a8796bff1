"""Small networks of every kind, each with the layer at which its owner would cut it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

SHAPE = (32, 32, 3)
Build = Callable[[Any], Any]


def block(x: Any, width: int, stride: int = 1, name: str | None = None) -> Any:
    x = layers.Conv2D(width, 3, strides=stride, padding="same", use_bias=False)(x)
    return layers.ReLU(name=name)(layers.BatchNormalization()(x))


def body(image: Any) -> Any:
    return block(block(block(image, 8, 2), 16, 2), 24, 2, "last")


def pooled(image: Any) -> Any:
    return layers.GlobalAveragePooling2D(name="pool")(body(image))


def decoder(x: Any, channels: int = 3) -> Any:
    for width in (16, 8):
        x = layers.Conv2DTranspose(width, 3, 2, "same", activation="relu")(x)
    return layers.Conv2DTranspose(channels, 3, 2, "same", activation="sigmoid")(x)


def softmax_by_hand(image: Any) -> Any:
    raised = ops.exp(layers.Dense(100, name="d")(pooled(image)))
    return ops.argmax(raised / ops.sum(raised, -1, keepdims=True), -1)


def perceptron_on_pooled(image: Any) -> Any:
    x = layers.BatchNormalization()(layers.Dense(64, activation="relu")(pooled(image)))
    return layers.Dense(5, activation="softmax")(layers.Dropout(0.3)(x))


def perceptron_on_flat(image: Any) -> Any:
    x = layers.Dense(64, activation="relu", name="fc1")(layers.Flatten()(body(image)))
    x = layers.Dense(32, activation="relu", name="fc2")(layers.Dropout(0.4)(x))
    return layers.Dense(1)(x)


def mobilenet_end(image: Any) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True, name="pool")(body(image))
    x = layers.Activation("hard_swish")(layers.Conv2D(32, 1)(x))
    return layers.Activation("softmax")(layers.Flatten()(layers.Conv2D(10, 1)(x)))


def convolution_as_classifier(image: Any) -> Any:
    x = layers.Conv2D(7, 3, padding="same", name="classes")(body(image))
    return layers.Activation("softmax")(layers.GlobalAveragePooling2D()(x))


def embedding_then_classifier(image: Any) -> Any:
    x = layers.UnitNormalization(name="unit")(layers.Dense(20)(pooled(image)))
    return layers.Dense(100, activation="softmax")(x)


def divided_by_length(image: Any) -> Any:
    x = layers.Dense(20)(pooled(image))
    return x / ops.sqrt(ops.sum(ops.square(x), -1, keepdims=True) + 1e-6)


def dense_autoencoder(image: Any) -> Any:
    x = layers.Dense(128, activation="relu")(layers.Flatten()(image))
    x = layers.Dense(24, activation="relu", name="code")(x)
    x = layers.Dense(3072, activation="sigmoid")(layers.Dense(128, activation="relu")(x))
    return layers.Reshape(SHAPE)(x)


def autoencoder_of_maps(image: Any) -> Any:
    return decoder(block(block(block(image, 8, 2), 16, 2), 4, 2, "code"))


def nested_autoencoder(image: Any) -> Any:
    outer = keras.Input(SHAPE)
    encoder = keras.Model(outer, layers.Dense(24, name="code")(pooled(outer)), name="encoder")
    x = layers.Reshape((4, 4, 24))(layers.Dense(384, activation="relu")(encoder(image)))
    return decoder(x)


def unet(image: Any, classes: int = 5) -> Any:
    x, skipped = image, []
    for width in (8, 16):
        x = block(x, width)
        skipped.append(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.2)(block(block(x, 24), 24, name="bottleneck"))
    for width, skip in zip((16, 8), reversed(skipped), strict=True):
        x = layers.Concatenate()([layers.UpSampling2D()(x), skip])
        x = block(x, width)
    return layers.Conv2D(classes, 1, activation="softmax")(x)


def segmentation_with_gate(image: Any) -> Any:
    """As DeepLab: a side branch of one place, pooled over the whole map, is no bottleneck."""
    x = body(image)
    whole = layers.GlobalAveragePooling2D(keepdims=True)(x)
    whole = layers.UpSampling2D(4)(layers.Conv2D(8, 1)(whole))
    x = block(layers.Concatenate()([layers.Conv2D(24, 3, padding="same")(x), whole]), 16, 1, "aspp")
    x = layers.Conv2D(4, 1)(block(layers.UpSampling2D(4)(x), 16))
    return layers.Softmax()(layers.UpSampling2D(2, interpolation="bilinear")(x))


def age_and_sex(image: Any) -> Any:
    shared = layers.Dense(32, activation="relu", name="face")(pooled(image))
    return {"age": layers.Dense(1)(shared), "sex": layers.Dense(2, activation="softmax")(shared)}


def detector(image: Any) -> Any:
    found = []
    for x in (first := body(image), block(first, 16, 2)):
        boxes = layers.Reshape((-1, 4))(layers.Conv2D(8, 3, padding="same")(x))
        classes = layers.Reshape((-1, 5))(layers.Conv2D(10, 3, padding="same")(x))
        found.append(layers.Concatenate()([boxes, layers.Softmax()(classes)]))
    return layers.Concatenate(axis=1)(found)


def embedding_and_classes(image: Any) -> Any:
    x = layers.UnitNormalization(name="unit")(layers.Dense(32)(pooled(image)))
    return [layers.Dense(10, activation="softmax")(x), x]


def tokens(image: Any) -> Any:
    x = layers.Reshape((16, 16))(layers.Conv2D(16, 8, 8)(image))
    x = x + layers.MultiHeadAttention(2, 8)(*[layers.LayerNormalization()(x)] * 2)
    return layers.LayerNormalization(name="tokens")(x)


def classes_of_tokens(image: Any) -> Any:
    x = layers.GlobalAveragePooling1D(name="mean")(tokens(image))
    return layers.Dense(10, activation="softmax")(x)


def classes_of_columns(image: Any) -> Any:
    x = layers.Reshape((4, 96), name="columns")(body(image))
    return layers.Dense(11, activation="softmax")(x)


def classes_of_the_last_step(image: Any) -> Any:
    steps = layers.LSTM(20, name="steps")(layers.Reshape((16, 24))(body(image)))
    return layers.Dense(11, activation="softmax", name="d")(steps)


def squeezed(image: Any) -> Any:
    """A sigmoid that is a gate, in front of a classifier and at the end of a network."""
    x = body(image)
    gate = layers.Dense(24, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    return layers.Multiply(name="gated")([x, layers.Reshape((1, 1, 24))(gate)])


def dense(width: int, activation: str | None = None, name: str = "d") -> Build:
    return lambda image: layers.Dense(width, activation=activation, name=name)(pooled(image))


def normalised(image: Any) -> Any:
    return layers.BatchNormalization(name="norm")(layers.Dense(50)(pooled(image)))


SURE: dict[str, tuple[Build, str, str]] = {
    "softmax": (dense(100, "softmax"), "pool", "pooled features before the classifier 'd'"),
    "sigmoid": (dense(64, "sigmoid"), "pool", "pooled features before the classifier 'd'"),
    "few logits": (dense(3), "pool", "pooled features before the classifier 'd'"),
    "named logits": (dense(64, None, "logits"), "pool", "before the classifier 'logits'"),
    "softmax by hand": (softmax_by_hand, "pool", "pooled features before the classifier 'd'"),
    "hidden layer": (perceptron_on_pooled, "pool", "the pooled features before the classifier"),
    "flattened": (perceptron_on_flat, "fc1", "the first hidden layer before the classifier"),
    "mobilenet": (mobilenet_end, "pool", "the pooled features before the classifier"),
    "convolution": (convolution_as_classifier, "last", "last features before the classifier 'cl"),
    "trained by classes": (embedding_then_classifier, "unit", "before the classifier"),
    "linear": (dense(64), "d", "an embedding: a layer without activation"),
    "linear, few": (dense(6, None, "embedding"), "embedding", "an embedding: a layer without"),
    "normalised": (normalised, "norm", "an embedding that is normalised"),
    "unit length": (divided_by_length, "true_divide", "an embedding of unit length"),
    "activated": (dense(64, "relu"), "d", "no classification head, so nothing is cut off"),
    "no head": (pooled, "pool", "no classification head, so nothing is cut off"),
    "gate": (squeezed, "gated", "no classification head, so nothing is cut off"),
    "autoencoder": (dense_autoencoder, "code", "the narrowest tensor"),
    "maps": (autoencoder_of_maps, "code", "the narrowest tensor"),
    "nested": (nested_autoencoder, "encoder", "the narrowest tensor"),
    "unet": (unet, "bottleneck", "the last map of fewest places"),
    "segmentation": (segmentation_with_gate, "aspp", "between encoder and decoder"),
    "two answers": (age_and_sex, "face", "the last tensor that all its outputs share"),
    "detector": (detector, "last", "the last tensor that all its outputs share"),
    "both": (embedding_and_classes, "unit", "a vector that is no classes"),
    "tokens": (tokens, "tokens", "no classification head, so nothing is cut off"),
    "vit": (classes_of_tokens, "mean", "the pooled features before the classifier"),
    "columns": (classes_of_columns, "columns", "features before the classifier"),
    "recurrent": (classes_of_the_last_step, "steps", "the last features before the classifier"),
}
"""Networks by name: how to build one, the layer to cut at, words of the reason."""


def denoiser(image: Any) -> Any:
    x = block(block(image, 8), 8, name="before")
    return layers.Subtract()([image, layers.Conv2D(3, 3, padding="same")(x)])


def far_apart(image: Any) -> Any:
    x = first = block(block(image, 8, 2), 16, 2, "middle")
    for _ in range(9):
        x = block(x, 8)
    both = [layers.GlobalAveragePooling2D()(one) for one in (x, first)]
    return [layers.Dense(10, activation="softmax")(one) for one in both]


UNSURE: dict[str, tuple[Build, str, str]] = {
    "100 numbers": (dense(100), "pool", "which may be scores of classes or an embedding"),
    "yolo": (
        lambda image: layers.Conv2D(25, 1)(body(image)),
        "last",
        "which may be scores of classes or an embedding",
    ),
    "denoiser": (denoiser, "before", "it makes a picture of the size of its input"),
    "auxiliary classes": (far_apart, "middle", "it has 2 outputs that share little"),
}
"""Networks of which nobody can know: how to build one, the first candidate, words of the doubt."""
