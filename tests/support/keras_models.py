"""Small Keras models as users save them, with random weights from a seed."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers

CODE = """
import keras
from keras import layers


class Own(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.scale = layers.Rescaling(1 / 255, name="scale")
        self.conv = layers.Conv2D(8, 3, activation="relu", name="conv")
        self.pool = layers.GlobalAveragePooling2D(name="pool")
        self.classes = layers.Dense(4, name="classes")

    def call(self, image):
        x = self.pool(self.conv(self.scale(image)))
        return self.classes(x)
"""


def sequential(shape: tuple[int, int, int] = (24, 32, 3)) -> keras.Model:
    """Rescales inside; ends in a small perceptron and a softmax."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            layers.Input(shape),
            layers.Rescaling(1 / 255, name="scale"),
            layers.Conv2D(8, 3, activation="relu", name="conv"),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.BatchNormalization(name="norm"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.Dropout(0.2, name="drop"),
            layers.Dense(4, activation="softmax", name="classes"),
        ],
        name="sequential",
    )
    unsettle(model)
    return model


def nested() -> keras.Model:
    """A functional backbone used as one layer of another model, as in transfer learning."""
    keras.utils.set_random_seed(2)
    inside = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, strides=2, name="conv")(inside)
    x = layers.BatchNormalization(name="norm")(x)
    backbone = keras.Model(inside, layers.ReLU(name="relu")(x), name="backbone")
    image = keras.Input((24, 32, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(image)
    x = layers.Conv2D(3, 1, name="conv")(x)  # the name that a layer inside has too
    x = backbone(x, training=False)
    x = layers.GlobalMaxPooling2D(name="pool")(x)
    model = keras.Model(image, layers.Dense(3, name="classes")(x), name="nested")
    unsettle(model)
    return model


def unsettle(model: keras.Model) -> None:
    """Give batch normalisation statistics that matter."""
    rng = np.random.default_rng(3)
    for variable in model.variables:
        if "moving" in variable.path:
            variable.assign(rng.uniform(0.2, 1.0, variable.shape))


def save_as_keras_2(model: keras.Model, path: Path) -> None:
    """Save as .h5 as Keras 2.4 wrote it, with the keys that Keras 3 rejects."""
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        for layer in config["config"]["layers"]:
            for key in ("module", "registered_name", "build_config"):
                layer.pop(key, None)
            settings = layer["config"]
            settings["dtype"] = "float32"
            if layer["class_name"] == "DepthwiseConv2D":
                settings["groups"] = 1
            if layer["class_name"] == "InputLayer":
                settings["batch_input_shape"] = settings.pop("batch_shape")
                settings["ragged"] = False
        file.attrs["model_config"] = json.dumps(config)
        file.attrs["keras_version"] = "2.4.0"


def features_at(model: keras.Model, layer: str) -> keras.Model:
    """Cut by Keras itself, as the reference."""
    return keras.Model(model.inputs[0], model.get_layer(layer).output)
