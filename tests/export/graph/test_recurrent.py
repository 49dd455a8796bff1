"""Recurrent layers over a picture's rows: written out step by step, equal to Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from edgefeat_export.cut.headless import Tap
from edgefeat_export.networks.network import of_file
from edgefeat_export.networks.normalisation import IDENTITY
from exported import exported
from graph_support import relative_l2


def over_rows(layer: Any) -> Callable[[Any], Any]:
    return lambda image: layer(layers.Reshape((12, 8))(image / 255.0))


def over_pieces(image: Any) -> Any:
    pieces = layers.Reshape((3, 4, 8, 1))(image / 255.0)
    steps = layers.ConvLSTM2D(4, 3, padding="same", name="steps")(pieces)
    return layers.GlobalAveragePooling2D(name="pool")(steps)


@pytest.mark.parametrize(
    ("make", "layer"),
    [
        (over_rows(layers.LSTM(6, name="steps")), "steps"),
        (over_rows(layers.GRU(6, name="steps")), "steps"),
        (over_rows(layers.SimpleRNN(6, name="steps")), "steps"),
        (over_rows(layers.Bidirectional(layers.LSTM(5), name="steps")), "steps"),
        (over_pieces, "pool"),
    ],
    ids=["LSTM", "GRU", "SimpleRNN", "both ways", "ConvLSTM2D"],
)
def test_a_recurrent_layer(make: Callable[[Any], Any], layer: str, tmp_path: Path) -> None:
    image = keras.Input((12, 8, 1))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(make(image)))
    model.save(path := tmp_path / "mine.keras")
    network = of_file(path, normalisation=IDENTITY, layers=[layer])
    pixels = np.random.default_rng(3).integers(0, 256, (2, 12, 8, 1)).astype(np.uint8)
    wanted = keras.Model(image, model.get_layer(layer).output)(pixels.astype(np.float32))
    got = exported(network, pixels, Tap(layer=layer))
    assert relative_l2(got, np.asarray(wanted)) < 1e-5
