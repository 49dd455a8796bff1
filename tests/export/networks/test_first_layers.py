"""What a model's first layers tell of its pixels, and what is asked where they tell nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.first_layers import first_layers
from edgefeat_export.networks.network import of_file
from edgefeat_export.networks.normalisation import CAFFE, IDENTITY, TORCH, Normalisation

MEAN, VARIANCE = [0.485, 0.456, 0.406], [0.229**2, 0.224**2, 0.225**2]
Front = Callable[[Any], Any]


def normalization(mean: Any, deviation: Any) -> keras.Layer:
    return layers.Normalization(mean=mean, variance=[value**2 for value in deviation])


def scaled_twice(x: Any) -> Any:
    return layers.Normalization(mean=MEAN, variance=VARIANCE)(layers.Rescaling(1 / 255)(x))


def augmented(x: Any) -> Any:
    x = layers.RandomFlip()(layers.Resizing(10, 12)(x))
    return layers.Rescaling(1 / 127.5, offset=-1)(layers.ZeroPadding2D(2)(x))


BYTES: dict[str, Front] = {
    "0-to-1": layers.Rescaling(1 / 255),
    "minus-1-to-1": layers.Rescaling(1 / 127.5, offset=-1),
    "bytes-normalised": normalization([120.0, 110, 100], [60.0, 61, 62]),
    "scaled-then-normalised": scaled_twice,
    "mean-subtracted": normalization([103.9, 116.8, 123.7], [1.0, 1, 1]),
    "an-operator": lambda x: x / 255.0,
    "behind-augmentation": augmented,
}
OTHERS: dict[str, Front] = {
    "unit-normalised": layers.Normalization(mean=MEAN, variance=VARIANCE),
    "unit-to-minus-1": layers.Rescaling(2.0, offset=-1),
    "an-operator": lambda x: (x - 0.5) * 2,
    "centred": normalization([-0.1, 0, 0.1], [1.5, 2, 2.9]),
    "loudness": normalization([-40.0, -41, -42], [12.0, 12, 12]),
    "larger": layers.Rescaling(255.0),
    "nothing": lambda x: x,
    "a-curve": lambda x: keras.ops.square(x / 255.0),
    "each-picture-alone": layers.LayerNormalization(center=False, scale=False),
    "learned": layers.BatchNormalization(),
}


def saved(front: Front, path: Path, *, frozen: bool = False) -> Path:
    image = keras.Input((8, 8, 3))
    features = layers.Conv2D(4, 3, name="conv")(front(image))
    model = keras.Model(image, layers.GlobalAveragePooling2D()(features))
    model.trainable = not frozen
    model.save(path)
    return path


@pytest.mark.parametrize("name", BYTES)
def test_numbers_of_bytes_are_an_answer(name: str, tmp_path: Path) -> None:
    network = of_file(saved(BYTES[name], tmp_path / "m.keras"), normalisation=None)
    assert network.normalisation == IDENTITY
    assert network.range_known_by.startswith("its first layers bring 0 to ")


@pytest.mark.parametrize("name", OTHERS)
def test_others_are_asked_about(name: str, tmp_path: Path) -> None:
    path = saved(OTHERS[name], tmp_path / "m.keras")
    with pytest.raises(BackboneError, match="Say how it was trained with input_range") as refusal:
        of_file(path, normalisation=None)
    assert refusal.value.option == "input_range"
    declared = Normalisation.from_range(0, 1)
    assert of_file(path, normalisation=declared).range_known_by == "as it was declared"


def test_a_frozen_model_is_read_no_further_than_its_first_weights(tmp_path: Path) -> None:
    def late(x: Any) -> Any:
        return layers.Rescaling(1 / 255)(layers.Conv2D(3, 1)(x))

    path = saved(late, tmp_path / "m.keras", frozen=True)
    with pytest.raises(BackboneError, match="nothing tells what its input is"):
        of_file(path, normalisation=None)


def test_the_question_names_what_was_seen(tmp_path: Path) -> None:
    path = saved(OTHERS["unit-normalised"], tmp_path / "m.keras")
    with pytest.raises(BackboneError) as refusal:
        of_file(path, normalisation=None)
    assert refusal.value.problem == (
        "its first layers bring an input of 0.485 to 0 and scale by 1/0.229, which fits pixels of"
        " 0..1 or so, not 0..255"
    )


def test_a_model_without_weights_is_judged_by_its_output() -> None:
    image = keras.Input((4, 4, 3))
    front = first_layers(keras.Model(image, layers.Rescaling(1 / 127.5, offset=-1)(image)))
    assert front is not None
    assert (front.low, front.high, front.zero, front.unit) == (-1, 1, 127.5, 127.5)


@pytest.mark.parametrize(
    ("normalisation", "words"),
    [
        (IDENTITY, "as they are, 0 to 255"),
        (Normalisation.from_range(-1, 1), "scaled to -1 to 1"),
        (CAFFE, "mean 103.939 116.779 123.68, deviation 1 1 1, in the order blue, green, red"),
        (TORCH, "mean 123.675 116.28 103.53, deviation 58.395 57.12 57.375"),
    ],
)
def test_words_for_a_normalisation(normalisation: Normalisation, words: str) -> None:
    assert normalisation.describe().endswith(words)
