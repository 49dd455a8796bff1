"""The documented equalities: which resize mode is what in TensorFlow, Keras and Pillow."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from edgefeat.pictures import resize
from edgefeat.pictures.decode import load_bgr

SIZES = [(96, 96), (224, 224), (160, 320), (500, 700)]


@pytest.fixture(scope="module", params=["chelsea", "coffee", "rocket"])
def pixels(request: pytest.FixtureRequest, photos: Path) -> np.ndarray:
    return load_bgr(photos / f"{request.param}.jpg")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_bilinear_is_tensorflows_without_antialias(
    pixels: np.ndarray, size: tuple[int, int]
) -> None:
    reference = tf.image.resize(pixels, size, method="bilinear", antialias=False).numpy()
    assert np.abs(resize.bilinear(pixels, size) - reference).max() <= 1


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_bilinear_is_keras_resizing(pixels: np.ndarray, size: tuple[int, int]) -> None:
    layer = keras.layers.Resizing(*size, interpolation="bilinear", dtype="float32")
    reference = np.asarray(layer(pixels[np.newaxis].astype(np.float32)))[0]
    assert np.abs(resize.bilinear(pixels, size) - reference).max() <= 1


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
def test_antialias_is_nearest_to_pillows_box_or_hamming(
    pixels: np.ndarray, size: tuple[int, int]
) -> None:
    ours = resize.antialias(pixels, size).astype(float)
    image = Image.fromarray(pixels)
    distance = {
        kind: np.sqrt(np.mean((np.asarray(image.resize(size[::-1], kind)) - ours) ** 2))
        for kind in (
            Image.Resampling.NEAREST,
            Image.Resampling.BOX,
            Image.Resampling.BILINEAR,
            Image.Resampling.HAMMING,
            Image.Resampling.BICUBIC,
            Image.Resampling.LANCZOS,
        )
    }
    nearest = min(distance, key=lambda kind: distance[kind])
    assert nearest in (Image.Resampling.BOX, Image.Resampling.HAMMING)
    assert distance[Image.Resampling.HAMMING] < 3  # grey levels
