"""Models that users saved, in every format: opened without running code, cut, still the same."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from edgefeat.errors import OptionError
from edgefeat.model.spec import Colour, InputSpec
from edgefeat.pictures.decode import load_bgr
from edgefeat.pictures.preprocess import Preprocessor
from edgefeat_export.cut.headless import Tap
from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.network import of_file
from edgefeat_export.networks.normalisation import IDENTITY, TF, Normalisation
from exported import exported
from keras_models import CODE, features_at, nested, save_as_keras_2, sequential


def pictures(photos: Path, spec: InputSpec) -> np.ndarray:
    prepare = Preprocessor.from_spec(spec)
    return np.stack([prepare(load_bgr(path)) for path in sorted(photos.glob("*.jpg"))])


def relative(got: np.ndarray, expected: object) -> float:
    wanted = np.asarray(expected)
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


def save_keras(model: keras.Model, path: Path) -> Path:
    model.save(path)
    return path


def save_keras_2(model: keras.Model, path: Path) -> Path:
    save_as_keras_2(model, path.with_suffix(".h5"))
    return path.with_suffix(".h5")


def save_keras_2_zip(model: keras.Model, path: Path) -> Path:
    """As tf.keras 2.15 writes .keras."""
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    depthwise = next(x for x in config["config"]["layers"] if x["class_name"] == "DepthwiseConv2D")
    depthwise["config"]["groups"] = 1
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def save_folder(model: keras.Model, path: Path) -> Path:
    model.export(path.with_suffix(""), verbose=False)
    return path.with_suffix("")


@pytest.mark.parametrize("save", [save_keras, save_keras_2, save_keras_2_zip, save_folder])
def test_every_format_gives_the_features_before_the_classifier(
    save: Callable[[keras.Model, Path], Path], tmp_path: Path, photos: Path
) -> None:
    model = sequential()
    path = save(model, tmp_path / "mine.keras")
    network = of_file(path, normalisation=IDENTITY)
    assert network.input == InputSpec(size_hw=(24, 32))
    assert "pool" in network.head.layer
    assert "before the classifier" in network.head.reason
    images = pictures(photos, network.input)
    expected = features_at(model, "pool")(images.astype(np.float32))
    assert relative(exported(network, images), expected) < 1e-5


@pytest.mark.parametrize("name", ["old.keras", "new.h5", "LOUD.KERAS", "bare"])
def test_a_file_is_known_by_its_first_bytes(name: str, tmp_path: Path, photos: Path) -> None:
    """`.keras` was HDF5 before TensorFlow 2.12; people rename, and leave suffixes out."""
    model, path = sequential(), tmp_path / name
    made = tmp_path / ("made.h5" if name in ("old.keras", "bare") else "made.keras")
    model.save(made)
    made.rename(path)
    network = of_file(path, normalisation=IDENTITY)
    images = pictures(photos, network.input)
    expected = features_at(model, "pool")(images.astype(np.float32))
    assert relative(exported(network, images), expected) < 1e-5


def test_what_else_is_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    path = save_keras(sequential(), tmp_path / "mine.keras")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../slipped.txt", "out of the archive")
        archive.writestr("assets/words.txt", "not asked for")
    before = set(tmp_path.parent.rglob("*"))
    assert "pool" in of_file(path, normalisation=IDENTITY).head.layer
    assert set(tmp_path.parent.rglob("*")) == before


def test_the_innermost_reason_and_the_version_are_told(tmp_path: Path) -> None:
    path = save_keras(sequential(), tmp_path / "mine.keras")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1]["config"]["odd"] = 1
    members["config.json"] = json.dumps(config).encode()
    members["metadata.json"] = b'{"keras_version": "3.99.0"}'
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(BackboneError) as refusal:
        of_file(path, normalisation=IDENTITY)
    start = f"{path}: Keras {keras.__version__} cannot load it: "
    assert str(refusal.value).startswith(start)
    assert "odd" in str(refusal.value)
    assert "It was saved by Keras 3.99.0" in str(refusal.value)


def test_a_model_inside_a_model_can_be_cut_inside(tmp_path: Path, photos: Path) -> None:
    model = nested()
    network = of_file(save_keras(model, tmp_path / "nested.keras"), normalisation=None)
    assert network.normalisation == IDENTITY  # it scales inside
    assert network.head.layer == "pool"
    images = pictures(photos, network.input)
    outer = features_at(model, "conv")(images.astype(np.float32))
    inside = features_at(model.get_layer("backbone"), "norm")(outer)
    got = exported(network, images, Tap(layer="norm"))
    assert relative(got, np.mean(inside, axis=(1, 2))) < 1e-5
    assert {"conv", "backbone_conv"} <= {layer.name for layer in network.model.layers}


def test_a_class_with_python_of_its_own_is_traced(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "own.py").write_text(CODE)
    scope: dict[str, type[keras.Model]] = {}
    exec(compile(CODE, "own.py", "exec"), scope)  # noqa: S102 - the text above
    model = scope["Own"]()
    model(np.zeros((1, 24, 32, 3), np.float32))
    path = save_keras(model, tmp_path / "own.keras")
    with pytest.raises(BackboneError, match="would run code: the class 'Own'"):
        of_file(path, normalisation=IDENTITY)
    network = of_file(path, normalisation=IDENTITY, code=tmp_path / "own.py")
    assert network.head.layer.startswith("pool")
    images = pictures(photos, network.input)
    expected = model.pool(model.conv(model.scale(images.astype(np.float32))))
    assert relative(exported(network, images), expected) < 1e-5


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_lambda_is_refused_until_it_is_allowed(suffix: str, tmp_path: Path) -> None:
    image = keras.Input((24, 32, 3))
    x = layers.Lambda(lambda x: x * 2, name="twice")(image)
    x = layers.Conv2D(4, 3, name="conv")(x)
    path = save_keras(keras.Model(image, x), tmp_path / f"sly{suffix}")
    with pytest.raises(BackboneError) as refusal:
        of_file(path, normalisation=TF)
    assert str(refusal.value) == (
        f"{path}: loading it would run code: the Lambda layer 'twice'. A model file from someone"
        " else can do anything to your machine this way. If you trust it, let its Lambda layers run"
        " with allow_code=True. Or replace them by layers of Keras and save again, or export a"
        " SavedModel, which holds no Python."
    )
    assert of_file(path, normalisation=TF, allow_code=True).head.layer == "conv"


def test_a_module_named_in_the_file_is_never_imported(tmp_path: Path) -> None:
    path = save_keras(sequential(), tmp_path / "sly.keras")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1] = {
        "module": "antigravity",
        "class_name": "Fly",
        "config": {"name": "fly"},
        "registered_name": None,
    }
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(BackboneError, match="the class 'Fly' of module 'antigravity'"):
        of_file(path, normalisation=TF)


def test_a_saved_graph_that_reads_files_is_refused(tmp_path: Path) -> None:
    class Sly(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3), tf.float32)])
        def run(self, image: tf.Tensor) -> tf.Tensor:
            length = tf.strings.length(tf.io.read_file("/etc/hostname"))
            return tf.reduce_mean(image, (1, 2)) + tf.cast(length, tf.float32)

    module = Sly()
    tf.saved_model.save(module, str(tmp_path / "sly"), {"serving_default": module.run})
    with pytest.raises(BackboneError, match="would run ReadFile"):
        of_file(tmp_path / "sly", normalisation=TF)


def normalised(*augmentation: keras.Layer) -> keras.Model:
    """Statistics that are neither constants nor variables of the trace, but captured tensors."""
    image = keras.Input((24, 32, 3))
    x = image
    for layer in augmentation:
        x = layer(x)
    x = layers.Normalization(mean=[100, 110, 120], variance=[900, 800, 700], name="norm")(x)
    return keras.Model(image, layers.Conv2D(8, 3, activation="relu", name="conv")(x))


def test_captured_statistics_of_a_saved_graph(tmp_path: Path, photos: Path) -> None:
    model = normalised()
    network = of_file(save_folder(model, tmp_path / "mine.keras"), normalisation=IDENTITY)
    images = pictures(photos, network.input)
    expected = np.mean(model(images.astype(np.float32)), axis=(1, 2))
    assert relative(exported(network, images), expected) < 1e-5


def test_a_saved_graph_with_random_numbers_is_refused(tmp_path: Path) -> None:
    path = save_folder(normalised(layers.RandomFlip()), tmp_path / "mine.keras")
    with pytest.raises(BackboneError, match="its graph changes variables while it runs"):
        of_file(path, normalisation=IDENTITY)


def test_a_setting_of_keras_2_that_matters_is_not_dropped(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    save_as_keras_2(sequential(), path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        next(x for x in config["config"]["layers"] if x["class_name"] == "DepthwiseConv2D")[
            "config"
        ]["groups"] = 2
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(BackboneError, match=r"'depthwise'.*has groups=2, which Keras 3 has no"):
        of_file(path, normalisation=None)


def test_nothing_is_guessed_about_the_input(tmp_path: Path) -> None:
    model = keras.Sequential([layers.Input((24, 32, 3)), layers.Conv2D(4, 3)])
    path = save_keras(model, tmp_path / "plain.keras")
    with pytest.raises(BackboneError, match="nothing tells what its input is"):
        of_file(path, normalisation=None)


def test_grey_pictures_of_a_chosen_size(tmp_path: Path, photos: Path) -> None:
    image = keras.Input((None, None, 1))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv")(image)
    model = keras.Model(image, x)
    path = save_keras(model, tmp_path / "grey.keras")
    with pytest.raises(BackboneError, match="pictures of any size"):
        of_file(path, normalisation=TF)
    network = of_file(path, normalisation=TF, size_hw=(20, 36))
    assert network.input == InputSpec(size_hw=(20, 36), colour=Colour.GREY)
    images = pictures(photos, network.input)
    expected = model((images / 127.5 - 1).astype(np.float32))
    assert relative(exported(network, images), np.mean(expected, axis=(1, 2))) < 1e-5


def alpha_too(*scaling: keras.Layer) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([layers.Input((24, 32, 4)), *scaling])
    model.add(layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"))
    model.add(layers.GlobalAveragePooling2D(name="pool"))
    model.add(layers.Dense(3, activation="softmax"))
    return model


ALPHA_ALREADY_SCALED = (Normalisation.from_range(-1, 1), ())
ALPHA_IN_BYTES = (None, (layers.Rescaling(1 / 255),))


@pytest.mark.parametrize(
    ("normalisation", "scaling"), [ALPHA_ALREADY_SCALED, ALPHA_IN_BYTES], ids=["scaled", "bytes"]
)
def test_a_model_with_alpha_takes_pictures_without(
    normalisation: Normalisation | None,
    scaling: tuple[keras.Layer, ...],
    tmp_path: Path,
    photos: Path,
) -> None:
    model = alpha_too(*scaling)
    path = save_keras(model, tmp_path / "rgba.keras")
    network = of_file(path, normalisation=normalisation, opaque=True)
    assert network.input == InputSpec(size_hw=(24, 32))
    images = pictures(photos, network.input)
    opaque = np.concatenate([images, np.full_like(images[..., :1], 255)], -1).astype(np.float32)
    given = opaque if normalisation is None else opaque / 127.5 - 1
    assert relative(exported(network, images), features_at(model, "pool")(given)) < 1e-5
    assert network.normalisation.as_record()["opaque"] is True


def test_alpha_is_never_made_up_in_silence(tmp_path: Path) -> None:
    path = save_keras(alpha_too(), tmp_path / "rgba.keras")
    with pytest.raises(BackboneError) as caught:
        of_file(path, normalisation=TF)
    assert str(caught.value) == (
        f"{path}: its pictures have 4 channels, and photos and frames have 3. If the fourth is "
        "alpha, pass opaque=True: every picture then counts as opaque, and a transparent one is "
        "laid on white. If it is something else, put a layer in front that makes it of three "
        "colours."
    )
    with pytest.raises(OptionError, match="opaque: takes one mean and one deviation"):
        of_file(path, normalisation=Normalisation(mean=(1, 2, 3), std=(1, 1, 1)), opaque=True)
    path = save_keras(sequential(), tmp_path / "rgb.keras")
    with pytest.raises(OptionError, match="opaque: is for pictures of 4 channels, got a model for"):
        of_file(path, normalisation=TF, opaque=True)


@pytest.mark.parametrize("channels", [2, 5])
def test_other_channels_are_refused(channels: int, tmp_path: Path) -> None:
    model = keras.Sequential([layers.Input((24, 32, channels)), layers.Conv2D(4, 3)])
    path = save_keras(model, tmp_path / "odd.keras")
    with pytest.raises(BackboneError) as caught:
        of_file(path, normalisation=TF)
    assert str(caught.value) == (
        f"{path}: expected an input of pictures (batch, height, width, channels) with 1 channel, 3,"
        f" or 4 of which one is alpha, got (None, 24, 32, {channels}). Photos and frames have no "
        "other channels. Put a layer in front that makes them of three colours, and save the model "
        "again. Networks for columns are exported from .keras files."
    )


def test_half_precision_layers_compute_in_float32(tmp_path: Path, photos: Path) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = sequential()
    finally:
        keras.config.set_dtype_policy("float32")
    network = of_file(save_keras(model, tmp_path / "mixed.keras"), normalisation=None)
    images = pictures(photos, network.input)
    expected = features_at(sequential(), "pool")(images.astype(np.float32))  # the same seed
    assert relative(exported(network, images), expected) < 1e-5


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "damaged or of another kind"), (b"PK\x03\x04 cut short", "damaged or of another kind")],
    ids=["empty", "truncated"],
)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_damaged_files(suffix: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(BackboneError, match=message):
        of_file(path, normalisation=TF)


def test_weights_without_an_architecture(tmp_path: Path) -> None:
    path = tmp_path / "mine.weights.h5"
    sequential().save_weights(path)
    with pytest.raises(BackboneError, match="expected a whole model, got weights only"):
        of_file(path, normalisation=TF)


@pytest.mark.parametrize(
    ("text", "pixel", "value"),
    [("tf", 255, 1.0), ("none", 7, 7.0), ("100/50", 200, 2.0), ("1,2,3/1,1,1", 1, 0.0)],
)
def test_declared_normalisations(text: str, pixel: int, value: float) -> None:
    image = np.full((1, 1, 3), pixel, np.uint8)
    assert Normalisation.parse(text).apply(image)[0, 0, 0] == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "imagenet", "1,2/1", "1/2/3"])
def test_other_normalisations_are_refused(text: str) -> None:
    with pytest.raises(OptionError, match=r"^normalisation: expected tf, caffe, torch, none, or "):
        Normalisation.parse(text)
