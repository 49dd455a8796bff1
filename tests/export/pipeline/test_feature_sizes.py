"""Features of any size: tiny and huge ones are built and pass their self-test."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from edgefeat import FeatureExtractor
from edgefeat.model.probe import expected_features
from edgefeat.model.spec import Probe
from edgefeat_export.pipeline.build import build
from edgefeat_export.pipeline.specs import kept_features


def probe(features: np.ndarray) -> Probe:
    expected, dtype = kept_features(features)
    return Probe(
        generator="edgefeat-probe-1",
        seed=1,
        size_hw=(8, 8),
        expected=expected,
        relative_l2_max=1e-3,
        expected_dtype=dtype,
    )


@pytest.mark.parametrize("size", [1e-30, 1e-6, 1e-3, 1.0, 3e4, 1e5, 1e30])
def test_what_a_probe_keeps_is_near_at_every_size(size: float) -> None:
    features = np.random.default_rng(1).normal(size=200).astype(np.float32) * np.float32(size)
    kept = expected_features(probe(features)).astype(np.float64)
    assert np.linalg.norm(kept - features) < 4e-4 * np.linalg.norm(features.astype(np.float64))


def test_usual_features_are_kept_in_half() -> None:
    assert probe(np.array([0.004, 0.0], np.float32)).expected_dtype is None
    assert probe(np.array([30000.0, -1], np.float32)).expected_dtype is None
    assert probe(np.array([70000.0, -1], np.float32)).expected_dtype == "float32"


@pytest.mark.parametrize(("first", "last"), [(1e-6, 1.0), (1.0, 1e6)], ids=["tiny", "huge"])
def test_every_precision_is_built_and_proves_itself(
    first: float, last: float, tmp_path: Path, photos: Path
) -> None:
    keras.utils.set_random_seed(1)
    image = keras.Input((24, 32, 3))
    x = layers.Rescaling(first)(layers.Rescaling(1 / 255)(image))
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(8, 3)(x))
    keras.Model(image, layers.Rescaling(last, name="sized")(x)).save(tmp_path / "m.keras")
    built = build(
        tmp_path / "m.keras",
        tmp_path / "out",
        layers=["sized"],
        precisions=["fp32", "fp16", "int8"],
        calibrate=photos,
        images=photos,
    )
    assert len(built.files) == 3
    for file in built.files:
        with FeatureExtractor(file.path) as extractor:
            vector = extractor.extract(photos / "coffee.jpg")
            assert extractor.self_test()
        assert 1e-2 < np.abs(vector).max() / (first * last) < 10
