"""Where a backbone's weights come from: files of the user, and Keras's downloads."""

from pathlib import Path
from urllib.request import ProxyHandler, build_opener, install_opener

import h5py
import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.backbones import load_backbone
from edgefeat_export.networks.normalisation import TF, TORCH, Normalisation
from edgefeat_export.networks.weights import file_sha256, randomise
from edgefeat_export.saved.weights_record import WeightsRecord

PIXELS = np.random.default_rng(11).integers(0, 256, (2, 96, 96, 3), np.uint8)


@pytest.fixture(autouse=True)
def _forget_models():
    yield
    keras.backend.clear_session()


def refusal(*args, **kwargs) -> str:
    with pytest.raises(BackboneError) as caught:
        load_backbone(*args, **kwargs)
    return str(caught.value)


# Files


def save_legacy(model: keras.Model, path: Path) -> None:
    """Write the layout of Keras's released no-top files; Keras 3 still reads it."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [variable.path.encode() for variable in layer.weights]
            group.attrs["weight_names"] = names
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name.decode()] = value


SAVERS = {".h5": save_legacy, ".weights.h5": lambda model, path: model.save_weights(path)}


@pytest.mark.parametrize("suffix", SAVERS)
def test_a_weights_file_gives_its_features_and_its_hash(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    original = keras.applications.MobileNet(
        input_shape=(96, 96, 3), alpha=0.25, include_top=False, weights=None
    )
    randomise(original, 3)
    SAVERS[suffix](original, path)
    loaded = load_backbone("mobilenet", alpha=0.25, weights=str(path), size_hw=(96, 96))
    scaled = TF.apply(PIXELS)
    np.testing.assert_array_equal(loaded.model(scaled), original(scaled))
    assert loaded.weights == WeightsRecord(
        source=path.name,
        sha256=file_sha256(path),
        licence="unknown",
        origin="file given by the user",
    )


@pytest.mark.parametrize("suffix", SAVERS)
def test_a_file_of_another_width_is_refused_with_both_counts(tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    other = keras.applications.MobileNet(
        input_shape=(96, 96, 3), alpha=0.25, include_top=False, weights=None
    )
    SAVERS[suffix](other, path)
    assert refusal("mobilenet", alpha=0.5, weights=path) == (
        f"{path}: expected the 829536 weights of mobilenet_050 without its head, got 218544. Check"
        " the backbone's name and alpha, and take a no-top weights file."
    )


def test_a_file_that_is_not_hdf5_is_refused(tmp_path):
    path = tmp_path / "mine.h5"
    path.write_bytes(b"not HDF5")
    assert refusal("mobilenet", alpha=0.25, weights=path) == (
        f"{path}: expected the 218544 weights of mobilenet_025 without its head, got a file that is"
        " not HDF5. Check the backbone's name and alpha, and take a no-top weights file."
    )


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "mine.pth"
    path.write_bytes(b"")
    assert refusal("mobilenet", weights=path) == (
        f"{path}: expected a Keras weights file (.h5 or .hdf5) for mobilenet, got '.pth'. Convert"
        " the file, or rename it if it is HDF5."
    )


def test_a_file_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "none.h5"
    assert refusal("mobilenet", weights=path) == (
        f"{path}: expected a weights file, got No such file or directory."
        " Check the path of the weights."
    )


# Keras's downloads


@pytest.fixture
def no_network(tmp_path, monkeypatch):
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))  # an empty cache
    install_opener(build_opener(ProxyHandler({"https": "http://127.0.0.1:9"})))
    yield
    install_opener(build_opener())


@pytest.mark.usefixtures("no_network")
def test_without_network_the_way_out_is_named():
    message = refusal("mobilenet", alpha=0.25, size_hw=(128, 128))
    assert message.startswith(
        "mobilenet_025: expected to download the ImageNet weights, got 'URL fetch failure on"
        " https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/"
        "mobilenet_2_5_128_tf_no_top.h5: "
    )
    assert message.endswith("'. Fetch the file on a machine with network and give it as weights.")


# EfficientNet, whose released file Keras reads differently by path and by "imagenet"


@pytest.fixture
def released_like(tmp_path, monkeypatch):
    """An EfficientNetB0 file with the released input statistics, and Keras "downloading" it."""
    model = keras.applications.EfficientNetB0(
        input_shape=(96, 96, 3), include_top=False, weights=None
    )
    randomise(model, normalisation=TORCH)
    statistics = model.get_layer(index=2)
    statistics.set_weights(
        [np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225]), np.array(1)]
    )
    path = tmp_path / "efficientnetb0_notop.weights.h5"
    model.save_weights(path)
    monkeypatch.setattr(file_utils, "get_file", lambda *args, **kwargs: str(path))
    return path


def upto(model, layer):
    """The part of a model that ends with a layer."""
    # Layers of a model that was cut have an earlier output too, which hangs on its old input.
    node = model.get_layer(layer)._inbound_nodes[-1]
    return keras.Model(model.inputs[0], node.output_tensors[0])


def test_efficientnet_by_path_equals_keras_imagenet(released_like):
    keras_own = keras.applications.EfficientNetB0(
        input_shape=(96, 96, 3), include_top=False, weights="imagenet"
    )
    early = upto(keras_own, "block2b_add")
    expected = early(PIXELS.astype(np.float32)).numpy()
    by_name = load_backbone("efficientnet_b0", size_hw=(96, 96))
    by_path = load_backbone("efficientnet_b0", weights=released_like, size_hw=(96, 96))
    assert by_name.normalisation == by_path.normalisation == TORCH
    for loaded in (by_name, by_path):
        # The rest is equal when its weights are; its rounding depends on the CPU.
        weights = loaded.model.get_weights()
        for ours, theirs in zip(weights, keras_own.get_weights()[-len(weights) :], strict=True):
            np.testing.assert_array_equal(ours, theirs)
        got = upto(loaded.model, "block2b_add")(TORCH.apply(PIXELS)).numpy()
        assert np.linalg.norm(got - expected) / np.linalg.norm(expected) < 5e-6
    # Keras itself gets this wrong by path, which is why the layers are cut off.
    wrong = keras.applications.EfficientNetB0(
        input_shape=(96, 96, 3), include_top=False, weights=str(released_like)
    )
    wrong = upto(wrong, "block2b_add")(PIXELS.astype(np.float32)).numpy()
    assert np.linalg.norm(wrong - expected) / np.linalg.norm(expected) > 0.01


def test_released_weights_are_recorded_by_their_tensors(released_like):
    loaded = load_backbone("EfficientNetB0", size_hw=(96, 96))
    again = load_backbone("EfficientNetB0", size_hw=(96, 96))
    assert loaded.weights.source == "imagenet"
    assert loaded.weights.licence == "Apache-2.0"
    assert loaded.weights.origin == "keras.applications.EfficientNetB0"
    assert loaded.weights.sha256 is not None
    assert len(loaded.weights.sha256) == 64
    assert loaded.weights == again.weights


def test_input_statistics_of_a_user_are_kept(tmp_path):
    path = tmp_path / "mine.weights.h5"
    model = keras.applications.EfficientNetB0(
        input_shape=(96, 96, 3), include_top=False, weights=None
    )
    model.get_layer(index=2).set_weights([np.full(3, 0.5), np.full(3, 0.25), np.array(1)])
    model.save_weights(path)
    loaded = load_backbone("efficientnet_b0", weights=path, size_hw=(96, 96))
    assert loaded.normalisation == Normalisation(mean=(127.5,) * 3, std=(127.5,) * 3, colour="rgb")
