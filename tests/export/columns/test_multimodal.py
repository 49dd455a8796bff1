"""Networks of one picture and columns, from a saved file to one model file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from keras import layers

from edgefeat import FeatureExtractor, RowError
from edgefeat.errors import OptionError
from edgefeat_export import build, verify
from edgefeat_export.errors import ExportError
from edgefeat_export.pipeline.results import BuildResult

PHOTO = Path(__file__).parents[2] / "data" / "photos" / "coffee.jpg"
ROW = {"age": 41.0, "city": "Köln"}


def photo_and_columns() -> keras.Model:
    """A photo's pooled vector beside a number, a word and its hash."""
    photo = keras.Input((32, 32, 3), name="photo")
    age = keras.Input((1,), name="age")
    city = keras.Input((1,), dtype="string", name="city")
    maps = layers.Conv2D(8, 3, strides=2, activation="relu")(layers.Rescaling(1 / 255)(photo))
    pooled = layers.GlobalAveragePooling2D(name="pool")(layers.BatchNormalization()(maps))
    words = layers.StringLookup(vocabulary=["Rome", "Köln"])
    parts = [
        pooled,
        layers.Normalization(mean=40.0, variance=81.0)(age),
        layers.Flatten()(layers.Embedding(3, 3)(words(city))),
        layers.Hashing(7, output_mode="one_hot")(city),
    ]
    hidden = layers.Dense(12, activation="tanh", name="hidden")(layers.Concatenate()(parts))
    return keras.Model([photo, age, city], layers.Dense(3)(hidden))


def gated_maps() -> keras.Model:
    """A column that weighs the channels of a map inside; the column stands first."""
    age, photo = keras.Input((1,), name="age"), keras.Input((32, 32, 3), name="photo")
    maps = layers.Conv2D(8, 3, padding="same")(layers.Rescaling(1 / 127.5, -1)(photo))
    gate = layers.Dense(8, activation="sigmoid")(layers.Rescaling(0.01)(age))
    maps = layers.Multiply()([maps, layers.Reshape((1, 1, 8))(gate)])
    maps = layers.Conv2D(6, 3, activation="relu")(maps)
    return keras.Model([age, photo], layers.Dense(2)(layers.GlobalAveragePooling2D()(maps)))


def built(model: keras.Model, folder: Path, **options: Any) -> BuildResult:
    model.save(folder / "both.keras")
    return build(folder / "both.keras", folder / "out", **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> BuildResult:
    keras.utils.set_random_seed(3)
    return built(photo_and_columns(), tmp_path_factory.mktemp("both"))


def test_the_whole_is_one_file_near_keras(made: BuildResult) -> None:
    (file,) = made.files
    assert file.parities["features"].relative_l2_max <= 1e-6
    inputs = json.loads(file.spec.to_json())["inputs"]
    assert [(one["name"], one["kind"]) for one in inputs] == [
        ("photo", "image"),
        ("age", "number"),
        ("city", "category"),
    ]
    assert [value.name for value in onnx.load(file.path).graph.input] == [
        "photo", "age", "city", "city_farmhash64",
    ]  # fmt: skip
    assert 'extractor.extract("photo.jpg", {' in made.card.read_text("utf-8")


def test_features_hang_on_the_picture_and_on_each_column(made: BuildResult) -> None:
    with FeatureExtractor(made.files[0].path) as extractor:
        assert extractor.self_test().passed
        base = extractor.extract(PHOTO, ROW)
        grey = np.full((40, 40, 3), 90, np.uint8)
        others = [
            extractor.extract(grey, ROW),
            extractor.extract(PHOTO, {**ROW, "age": 12.0}),
            extractor.extract(PHOTO, {**ROW, "city": "Rome"}),
        ]
        assert all(np.abs(base - other).max() > 1e-4 for other in others)
        one = {"photo": PHOTO, **ROW}
        np.testing.assert_array_equal(extractor.extract(one), base)
        np.testing.assert_array_equal(extractor.extract_batch([one, one]), [base, base])
        with pytest.raises(RowError, match="'41 years'"):
            extractor.extract({**one, "age": "41 years"})
        with pytest.raises(OptionError, match="expected a row beside the picture"):
            extractor.extract(PHOTO)
        with pytest.raises(OptionError, match="expected a row beside the picture"):
            extractor.extract_batch([one, PHOTO])


def test_keras_gives_the_same_for_a_photo_and_a_row(made: BuildResult) -> None:
    keras.utils.set_random_seed(3)
    model = photo_and_columns()
    hidden = keras.Model(model.inputs, model.get_layer("hidden").output)
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    given = [pixels[None].astype(np.float32), np.array([[41.0]]), np.array([["Köln"]])]
    wanted = np.asarray(hidden([keras.ops.convert_to_tensor(one) for one in given]))[0]
    with FeatureExtractor(made.files[0].path) as extractor:
        ours = extractor.extract(pixels[..., ::-1], ROW)
    np.testing.assert_allclose(ours, wanted, rtol=1e-5, atol=1e-6)


def test_verify_says_that_pairs_are_not_compared(made: BuildResult) -> None:
    with pytest.raises(ExportError, match="hang on a picture and columns together"):
        verify(made.files[0].path, "both.keras", "photos")


def test_a_column_may_meet_maps_inside(tmp_path: Path) -> None:
    (file,) = built(gated_maps(), tmp_path, l2=True).files
    assert file.parities["features"].relative_l2_max <= 1e-5
    assert [one.name for one in file.spec.inputs] == ["photo", "age"]
    with FeatureExtractor(file.path) as extractor:
        assert extractor.self_test().passed
        assert np.linalg.norm(extractor.extract(PHOTO, {"age": 3})) == pytest.approx(1)


def test_a_layer_of_the_picture_alone_gives_a_file_for_pictures(tmp_path: Path) -> None:
    (file,) = built(photo_and_columns(), tmp_path, layers=["pool"], precisions=["fp32"]).files
    assert file.spec.spec_version == "1.0"
    assert not file.spec.columns


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": "rows.csv"}, "this one takes both"),
        ({"calibrate": "photos", "reduce": "pca:3"}, "this one takes both"),
        ({"precisions": ["int8"]}, "a network for a picture and columns is built as fp32"),
        ({"max_text": 9}, "the network takes no texts"),
    ],
)
def test_what_makes_no_sense_for_both_is_refused(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=message):
        built(photo_and_columns(), tmp_path, **options)
    assert not list(tmp_path.glob("out/*"))
